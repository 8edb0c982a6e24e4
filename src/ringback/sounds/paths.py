"""Paths of sounds (spec section 7).

A path begins with `/` for the folder of the account or extension that one speaks of, and has one
more `/` for each level up. It names a row and never a file: files are named by what is in them.
"""

from __future__ import annotations

from ringback.sounds.phrases import Phrase
from ringback.sounds.speech import PROMPTS

MOST_LEVELS = 5
LONGEST = 200
SHADOWS = "/prompts/"
"""Where an owner puts what is to be heard in place of a prompt."""
_SUFFIX = ".wav"


def check_sound_path(path: str) -> str:
    """One `/` for the own folder, one more for each level up, at most five. Raises ValueError."""
    name = path.lstrip("/")
    levels = len(path) - len(name)
    if not 1 <= levels <= MOST_LEVELS:
        raise ValueError(
            f"{_shown(path)} must begin with one / for the extension's own folder and one more for "
            "each level up, five at most"
        )
    names_ok = all(part not in ("", ".", "..") for part in name.split("/"))
    if not names_ok or len(path) > LONGEST or not path.isprintable():
        raise ValueError(
            f"{_shown(path)} is no path of a sound: .. and empty names are not allowed"
        )
    return path


def check_own_path(path: str) -> str:
    """The path of something that is put into the own folder. Raises ValueError."""
    if path.startswith("//"):
        raise ValueError("begins with one /: a sound is put into the folder of its own account")
    check_sound_path(path)
    if ":" in path:
        raise ValueError("write names without :, which stands between the names of a path")
    if any(part != part.strip() for part in path.split("/")):
        raise ValueError("write names without spaces around them")
    return path


def check_new_sound(path: str) -> str:
    """The path of a sound that is put there. Raises ValueError, also for a prompt that there is
    not, which nobody would ever hear."""
    check_own_path(path)
    if path.startswith(SHADOWS) and prompt_of(path) is None:
        prompts = ", ".join(Phrase)
        raise ValueError(
            f"{SHADOWS.rstrip('/')} is for prompts: {prompts}, and word-… for numbers, each with "
            f"{_SUFFIX} at its end"
        )
    return path


def split(path: str) -> tuple[int, str]:
    """How many levels up a path leads, and the path in the folder there."""
    name = path.lstrip("/")
    return len(path) - len(name) - 1, f"/{name}"


def at_level(level: int, path: str) -> str:
    """The path of what has `path` in the folder so many levels up: the inverse of `split`."""
    return "/" * level + path


def folders_of(path: str) -> list[str]:
    """The folders on the way to a path in one folder, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(2, len(parts))]


def prompt_of(path: str) -> str | None:
    """The prompt in whose place a sound at this path is heard."""
    name = path.removeprefix(SHADOWS).removesuffix(_SUFFIX)
    return name if path == shadow_of(name) and name in PROMPTS else None


def shadow_of(prompt: str) -> str:
    """The path at which an owner puts what is to be heard in place of a prompt."""
    return f"{SHADOWS}{prompt}{_SUFFIX}"


def _shown(path: str) -> str:
    return repr(path if len(path) <= LONGEST else f"{path[:40]}…")
