"""Benchmarks: `make bench`. Each prints what it measured; none asserts a time."""
