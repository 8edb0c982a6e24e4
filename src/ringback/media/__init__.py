"""Media: RTP in worker processes.

Everything that the worker imports is of the standard library, and of this package only the
modules that say so in their first line: a worker that imported the server would cost six times
its memory.
"""
