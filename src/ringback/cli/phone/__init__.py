"""`ringback phone`: a small SIP phone for the terminal, on real SIP and RTP.

A server has no sound card: what is heard is recognised, printed as words, and kept as WAV.
"""
