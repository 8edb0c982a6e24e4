"""What carries calls: each engine is the telephony port on a technology of its own."""
