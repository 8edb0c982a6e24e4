"""Rate decks: the rates of a plan as they were loaded at one time (spec section 6).

`deck` chooses the rate of a number, `copying` makes rates of others, `difference` says what one
deck in place of another comes to, `reading` and `writing` are their CSV, `tables` is what is done
to them in one unit of work, `loading` how a large one is loaded while calls go on.
"""

from ringback.charging.decks.copying import copied
from ringback.charging.decks.deck import Deck, overlaps
from ringback.charging.decks.difference import Difference, difference
from ringback.charging.decks.loading import Units, fill, sweep
from ringback.charging.decks.reading import (
    COLUMNS,
    BadDeck,
    instant_of,
    read_deck,
)
from ringback.charging.decks.tables import (
    DeckGone,
    Page,
    RateKey,
    begin,
    deck_for,
    page,
    put,
    rates_in_force,
    rows,
    switch,
    take_all,
)
from ringback.charging.decks.writing import write_deck, write_instant

__all__ = [
    "COLUMNS",
    "BadDeck",
    "Deck",
    "DeckGone",
    "Difference",
    "Page",
    "RateKey",
    "Units",
    "begin",
    "copied",
    "deck_for",
    "difference",
    "fill",
    "instant_of",
    "overlaps",
    "page",
    "put",
    "rates_in_force",
    "read_deck",
    "rows",
    "sweep",
    "switch",
    "take_all",
    "write_deck",
    "write_instant",
]
