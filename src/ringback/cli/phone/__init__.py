"""`ringback phone`: a small SIP phone for the terminal, on real SIP and RTP.

A server has no sound card: what the phone hears is recognised and printed as words, and can be kept
as a WAV file.
"""
