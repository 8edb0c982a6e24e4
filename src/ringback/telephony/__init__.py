"""Telephony: the port that calls are written against, and the engines that carry them."""
