"""Rate decks: the rates of a plan as they were loaded at one time (spec section 6).

`deck` chooses the rate of a number, `reading` and `writing` are their CSV, `tables` what is done
to them in one unit of work, `loading` how a large one is put in force while calls go on.
"""

from ringback.charging.decks.deck import Deck, overlaps
from ringback.charging.decks.loading import load, sweep
from ringback.charging.decks.reading import (
    COLUMNS,
    BadDeck,
    instant_of,
    read_deck,
)
from ringback.charging.decks.tables import (
    DeckGone,
    begin,
    deck_for,
    put,
    rates_in_force,
    rows,
    switch,
)
from ringback.charging.decks.writing import write_deck, write_instant

__all__ = [
    "COLUMNS",
    "BadDeck",
    "Deck",
    "DeckGone",
    "begin",
    "deck_for",
    "instant_of",
    "load",
    "overlaps",
    "put",
    "rates_in_force",
    "read_deck",
    "rows",
    "sweep",
    "switch",
    "write_deck",
    "write_instant",
]
