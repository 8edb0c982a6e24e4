"""What a session says. A phrase's name is also the name of its recording, and of the path at which
an owner may replace it: `/prompts/<name>.wav`."""

from __future__ import annotations

from enum import StrEnum


class Phrase(StrEnum):
    ACCEPT = "accept"
    PASSWORD = "password"
    YOUR_NUMBER = "your-number"
    PIN = "pin"
    WRONG_ENTRY = "wrong-entry"
    GOODBYE = "goodbye"
    MENU = "menu"
    CREDIT = "credit"
    CREDIT_UNLIMITED = "credit-unlimited"
    DIAL = "dial"
    NUMBER_REFUSED = "number-refused"
    NO_CREDIT = "no-credit"
    NOT_NOW = "not-now"
    YOU_CAN_TALK_FOR = "you-can-talk-for"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    NOT_CONNECTED = "not-connected"


WORDS: dict[Phrase, str] = {
    Phrase.ACCEPT: "Press 1 to take this call.",
    Phrase.PASSWORD: "Please enter your password, then press hash.",
    Phrase.YOUR_NUMBER: "Please enter your phone number, then press hash.",
    Phrase.PIN: "Please enter your PIN, then press hash.",
    Phrase.WRONG_ENTRY: "That was not right.",
    Phrase.GOODBYE: "Goodbye.",
    Phrase.MENU: "To hear your credit, press 1. To make a call, press 2.",
    Phrase.CREDIT: "Your credit is",
    Phrase.CREDIT_UNLIMITED: "Your credit is unlimited.",
    Phrase.DIAL: "Dial the number, then press hash.",
    Phrase.NUMBER_REFUSED: "This number cannot be called.",
    Phrase.NO_CREDIT: "Your credit is not enough for this call.",
    Phrase.NOT_NOW: "This call cannot be made now.",
    Phrase.YOU_CAN_TALK_FOR: "You can talk for",
    Phrase.BUSY: "The number is busy.",
    Phrase.NO_ANSWER: "There is no answer.",
    Phrase.NOT_CONNECTED: "The call could not be connected.",
}
