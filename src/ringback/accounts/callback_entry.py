"""What a setup file may say of a callback setup: a change of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model
from pydantic.fields import FieldInfo

from ringback.accounts.callback import CallbackSetup, Secret
from ringback.faults import Section


class _Secretive(Section):
    password: Secret | None = Field(None, repr=False)
    """4 to 12 digits that everyone is asked for on the return call. It is kept apart from the
    setup, and is not shown again."""


if TYPE_CHECKING:
    CallbackEntry = _Secretive
else:

    def _or_null(field: FieldInfo) -> Any:
        kind = field.annotation
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
            name: (_or_null(field), _described(name, field))
            for name, field in CallbackSetup.model_fields.items()
        },
    )
    """A change of a callback setup: what is left out stays, `null` is none or the default. What it
    comes to is judged with what is there."""


def changed_setup(before: CallbackSetup, entry: CallbackEntry) -> CallbackSetup:
    """The setup once an entry has been applied. Raises ValidationError where it contradicts
    itself."""
    values = {name: getattr(before, name) for name in CallbackSetup.model_fields}
    values |= {name: getattr(entry, name) for name in entry.model_fields_set - {"password"}}
    given = {name: value for name, value in values.items() if value is not None}
    return CallbackSetup.model_validate(given)
