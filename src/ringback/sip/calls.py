"""The kinds of call that a user agent has."""

from ringback.sip.authentication import Credentials
from ringback.sip.call import Call
from ringback.sip.incoming import IncomingCall
from ringback.sip.outgoing import OutgoingCall
from ringback.sip.resumed import ResumedCall

__all__ = ["Call", "Credentials", "IncomingCall", "OutgoingCall", "ResumedCall"]
