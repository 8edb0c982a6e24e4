"""What a setup file may say of a callback setup: a change of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from ringback.accounts.callback import E164, CallbackSetup, Secret, SetBy, Text
from ringback.faults import Section


class PresentationChange(Section):
    """A change of who sets what called parties are shown, and to what; what is left out stays."""

    set_by: SetBy | None = None
    """`server`: the contact name, or the public number. `equipment`: the caller's own. `user`:
    `value`. `null` is `server`."""
    value: Text | None = None
    """The name, with `set_by: user` only."""


class NumberPresentationChange(PresentationChange):
    """A change of who sets the number that called parties are shown, and to what; what is left out
    stays."""

    value: E164 | None = None
    """An access number of the account, with `set_by: user` only."""


class _Secretive(Section):
    password: Secret | None = Field(None, repr=False)
    """4 to 12 digits that everyone is asked for on the return call. It is kept apart from the
    setup, and is not shown again."""


if TYPE_CHECKING:

    class CallbackEntry(_Secretive):
        caller_id_number: NumberPresentationChange | None = None

else:
    _PARTS = {
        "caller_id_name": PresentationChange,
        "caller_id_number": NumberPresentationChange,
    }

    def _or_null(name: str, field: FieldInfo) -> Any:
        kind = _PARTS.get(name, field.annotation)
        return (Annotated[(kind, *field.metadata)] if field.metadata else kind) | None

    _DEFAULTS = CallbackSetup().model_dump(mode="json", by_alias=True, exclude_none=True)

    def _described(name: str, field: FieldInfo) -> Any:
        """A JSON Schema shall say what an extension has of which nothing was said."""
        known = {"default": _DEFAULTS[name]} if name in _DEFAULTS else None
        return Field(None, description=field.description, json_schema_extra=known)

    CallbackEntry = create_model(
        "CallbackEntry",
        __base__=_Secretive,
        __doc__="How calls are returned. What is left out stays; `null` is none or the default.",
        **{
            name: (_or_null(name, field), _described(name, field))
            for name, field in CallbackSetup.model_fields.items()
        },
    )
    """A change of a callback setup: what is left out stays, `null` is none or the default. What it
    comes to is judged with what is there."""
