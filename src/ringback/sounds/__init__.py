"""Sounds: the built-in voice, what it says, and the sounds that owners upload."""
