"""The command line: one module a command. It holds no rules."""
