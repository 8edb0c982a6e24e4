"""The second factor: codes of six digits that an authenticator makes (TOTP, RFC 6238), and recovery
codes that take their place once."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from typing import Any

import pyotp
from sqlalchemy import Connection, delete, insert, select, update

from ringback.accounts.sealing import BadSeal, seal, unseal
from ringback.accounts.secrets import Secrets
from ringback.clock import Instant
from ringback.faults import Fault, Faults
from ringback.management import places
from ringback.management.change import SecretChange
from ringback.management.letters import Letter, Notice
from ringback.management.people import logins, sign_ins
from ringback.management.places import Kind, Place
from ringback.management.refusals import Forbidden
from ringback.management.rights import Need, Right
from ringback.management.verbs import Act, Done, Who, personal, verb
from ringback.store.models import LoginRoleRow, LoginRow, RecoveryCodeRow

STEP_SECONDS = 30
RECOVERY_CODES = 10
_SECRET_BYTES = 20  # RFC 4226 section 4, R6
_CODE_BYTES = 10
_EITHER_WAY = 1
"""Steps that a clock may go wrong, or a person take to type (RFC 6238 section 5.2)."""
_PURPOSE = "second factor"
_NOBODYS = base64.b32encode(b"nobody's 20 bytes ok").decode()


@dataclass(frozen=True, slots=True)
class Offer:
    """A secret for an authenticator, shown once."""

    secret: str
    """Base32, to be typed."""
    uri: str
    """The same for a QR code."""

    def __repr__(self) -> str:
        return "Offer()"


@personal("second_factor.offer", Kind.LOGIN, Who.PROVEN)
def offer(act: Act) -> Done[Offer]:
    """Make a secret for your authenticator. It takes effect with `confirm`."""
    secret = base64.b32encode(act.chance.randbytes(_SECRET_BYTES)).decode()
    sealed = seal(act.secrets, _PURPOSE, _own(act), secret)
    act.tx.execute(
        update(LoginRow).where(LoginRow.id == act.actor.login_id).values(totp_offered=sealed)
    )
    uri = pyotp.TOTP(secret).provisioning_uri(name=act.actor.name, issuer_name="Ringback")
    return Done(Offer(secret, uri))


@personal("second_factor.confirm", Kind.LOGIN, Who.YOURSELF)
def confirm(act: Act, *, code: str) -> Done[list[str]]:
    """Put the secret that was offered in force, by a code made from it. Your other sessions end.
    Returns the recovery codes, which are shown once. Raises Faults for a wrong code."""
    row = _person(act)
    step = _matching_step(act.secrets, row.id, row.totp_offered, code, act.now)
    if step is None:
        message = "is wrong: write the newest code of your authenticator, and see to its clock"
        raise Faults([Fault(("code",), message)])
    values = {"totp_secret": row.totp_offered, "totp_offered": None, "totp_step": step}
    act.tx.execute(update(LoginRow).where(LoginRow.id == row.id).values(values))
    codes = _make_codes(act, row.id)
    sign_ins.end_all(act.tx, row.id, act.now, but=act.actor.sign_in_id)
    became = SecretChange.between(row.totp_secret, row.totp_offered)
    return Done(codes, logins.changes_of(act, row, second_factor=became))


@personal("second_factor.take_off", Kind.LOGIN, Who.PROVEN)
def take_off(act: Act) -> Done[None]:
    """Do without your second factor."""
    row = _person(act)
    if row.totp_secret is None:
        return Done(None)
    _clear(act.tx, row.id)
    return Done(None, logins.changes_of(act, row, second_factor=SecretChange.TAKEN_OFF))


@personal("second_factor.new_codes", Kind.LOGIN, Who.PROVEN)
def new_codes(act: Act) -> Done[list[str]]:
    """Recovery codes in place of the old ones, shown once. Raises Faults without a second
    factor."""
    row = _person(act)
    if row.totp_secret is None:
        raise Faults([Fault(("second_factor",), "is not set: set it first")])
    codes = _make_codes(act, row.id)
    return Done(codes, logins.changes_of(act, row, recovery_codes=SecretChange.CHANGED))


@verb("second_factor.reset", Kind.LOGIN, Need(Right.LOGINS), in_view=False)
def reset(act: Act, place: Place, *, login_id: str) -> Done[None]:
    """Take a person's second factor off, who has lost it: by an owner of all their accounts. Their
    sessions end and a letter tells them. Raises NotFound, Forbidden."""
    person = logins.member(act.tx, place, login_id)
    if login_id == act.actor.login_id:
        raise Forbidden("take your own second factor off with your password")
    query = select(LoginRoleRow.account_id).where(LoginRoleRow.login_id == login_id)
    for account_id in act.tx.execute(query).scalars():
        if act.actor.grant(places.of_id(act.tx, account_id), Need(Right.LOGINS)) is None:
            raise Forbidden("only an owner of all accounts of this person may do that")
    return reset_of(act, person)


def reset_of(act: Act, person: Any) -> Done[None]:
    """Take off a person's second factor and end their sessions."""
    sign_ins.end_all(act.tx, person.id, act.now)
    if person.totp_secret is None:
        return Done(None)
    _clear(act.tx, person.id)
    changes = logins.changes_of(act, person, second_factor=SecretChange.TAKEN_OFF)
    return Done(None, changes, [Letter(person.email, Notice.SECOND_FACTOR_RESET)])


def holders(tx: Connection) -> list[str]:
    """The addresses of all who have a second factor. With another key, none of their codes is
    right."""
    query = select(LoginRow.email).where(LoginRow.totp_secret.is_not(None))
    return list(tx.execute(query.order_by(LoginRow.email)).scalars())


def passes(act: Act, login_id: str, person: Any, code: str) -> bool:
    """Whether a sign-in gets past the second factor, which takes the code used. The statements are
    the same for a person without one, for nobody (an empty id), and whatever the code is."""
    sealed = None if person is None else person.totp_secret
    step = _matching_step(act.secrets, login_id, sealed, code, act.now)
    fresh = act.tx.execute(
        update(LoginRow)
        .where(
            LoginRow.id == ("" if step is None else login_id),
            LoginRow.totp_step.is_(None) | (LoginRow.totp_step < (step or 0)),
        )
        .values(totp_step=step)
    )
    recovered = act.tx.execute(
        delete(RecoveryCodeRow).where(
            RecoveryCodeRow.login_id == login_id,
            RecoveryCodeRow.mac == _mac(act.secrets, login_id, code),
        )
    )
    return sealed is None or fresh.rowcount == 1 or recovered.rowcount == 1


def _own(act: Act) -> str:
    return str(act.actor.login_id)


def _person(act: Act) -> Any:
    return act.tx.execute(
        select(LoginRow.__table__).where(LoginRow.id == act.actor.login_id).with_for_update()
    ).one()


def _matching_step(
    secrets: Secrets, login_id: str, sealed: str | None, code: str, now: Instant
) -> int | None:
    """The time step whose code this is; the same work where there is no secret."""
    try:
        secret = unseal(secrets, _PURPOSE, login_id, sealed or "")
    except BadSeal:
        secret = _NOBODYS
        sealed = None
    otp, present = pyotp.TOTP(secret), int(now // STEP_SECONDS)
    typed = "".join(code.split()).encode("utf-8", "replace")
    found = [
        step
        for step in range(present - _EITHER_WAY, present + _EITHER_WAY + 1)
        if hmac.compare_digest(otp.generate_otp(step).encode(), typed)
    ]
    return found[-1] if found and sealed is not None else None


def _make_codes(act: Act, login_id: str) -> list[str]:
    """Recovery codes in place of any there are: twenty characters, read in fours."""
    codes = []
    for _ in range(RECOVERY_CODES):
        raw = base64.b32encode(act.chance.randbytes(_CODE_BYTES)).decode().lower()
        codes.append("-".join(raw[at : at + 4] for at in range(0, len(raw), 4)))
    act.tx.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.login_id == login_id))
    act.tx.execute(
        insert(RecoveryCodeRow),
        [{"login_id": login_id, "mac": _mac(act.secrets, login_id, code)} for code in codes],
    )
    return codes


def _clear(tx: Connection, login_id: str) -> None:
    values = {"totp_secret": None, "totp_offered": None, "totp_step": None}
    tx.execute(update(LoginRow).where(LoginRow.id == login_id).values(values))
    tx.execute(delete(RecoveryCodeRow).where(RecoveryCodeRow.login_id == login_id))


def _mac(secrets: Secrets, login_id: str, code: str) -> str:
    """What is stored of a recovery code, however its letters and hyphens are typed."""
    typed = "".join(c for c in code.lower() if c.isalnum())
    text = f"{login_id}/{typed}".encode("utf-8", "replace")
    return hmac.new(secrets.key_for("recovery codes"), text, hashlib.sha256).hexdigest()
