"""Media: RTP in worker processes.

The worker imports only the standard library, and those modules of this package whose first line
says so. If it imported the server, it would need six times the memory.
"""
