"""Sounds and folders: who sees, hears and changes what, at which level."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, update
from tests.management.world import World

from ringback.faults import Faults
from ringback.management import places
from ringback.management.actor import Actor
from ringback.management.refusals import Forbidden, NotFound
from ringback.management.rights import MAY, Role
from ringback.management.sounds import changing, folders, listing, naming
from ringback.management.sounds.listing import ListedSound
from ringback.management.verbs import Act, Done
from ringback.sounds.convert import Converted
from ringback.store import Store
from ringback.store.models import AccountRow, ExtensionRow

OPERATOR = Actor("olga", {"acme": MAY[Role.OPERATOR]}, login_id="olga")
READER = Actor("rita", {"acme": MAY[Role.READER]}, login_id="rita")
PROVIDER = Actor("paul", {"northline": MAY[Role.OPERATOR]}, login_id="paul")
MEGABYTE = 1024 * 1024


@pytest.fixture
def world(store: Store) -> Iterator[World]:
    world = World(store)
    yield world
    world.passwords.close()


def upload(name: str = "a", size: int = 16044) -> Converted:
    return Converted(f"{name}.wav", 3.2, size)


class Sounds:
    """Shorthands."""

    def __init__(self, world: World, who: Actor | None = None) -> None:
        self.world = world
        self.who = who

    def do(self, deed: Any) -> Any:
        return self.world.machine(deed) if self.who is None else self.world.do(self.who, deed)

    def put(
        self, place: str, path: str, language: str = "en", upload: Converted | None = None
    ) -> str:
        given = upload or Converted("a.wav", 3.2, 16044)

        def deed(act: Act) -> Done[str]:
            return changing.put(act, place, path=path, language=language, upload=given)

        return str(self.do(deed).value)

    def all(self, place: str, **how: Any) -> list[ListedSound]:
        found: list[ListedSound] = self.do(lambda act: listing.sounds(act, place, **how))
        return found

    def own(self, place: str, **how: Any) -> list[str]:
        """The paths of what is not built in."""
        return [each.path for each in self.all(place, **how) if not each.id.startswith("prompt-")]

    def lines(self, deed: Any) -> list[str]:
        return [line for change in self.do(deed).changes for line in change.lines()]


def set_up(world: World, extension: str, **callback: str) -> None:
    def work(tx: Connection) -> None:
        tx.execute(
            update(ExtensionRow).where(ExtensionRow.id == extension).values(callback=callback)
        )

    world.now(world.store.run(work))


def limit(world: World, account: str, storage_mb: object) -> None:
    def work(tx: Connection) -> None:
        values = {"limits": {"storage_mb": storage_mb}}
        tx.execute(update(AccountRow).where(AccountRow.id == account).values(values))

    world.now(world.store.run(work))


def test_a_sound_is_put_given_a_language_and_replaced(world: World) -> None:
    sounds = Sounds(world, OPERATOR)

    def put(language: str, name: str) -> list[str]:
        return sounds.lines(
            lambda act: changing.put(
                act, "acme", path="/a/bye.wav", language=language, upload=upload(name)
            )
        )

    assert put("en", "a") == ["created sound /a/bye.wav of acme"]
    assert put("de", "b") == ['sound /a/bye.wav of acme: languages ["en"] -> ["de", "en"]']
    assert put("en", "c") == ["sound /a/bye.wav of acme: file (en) a.wav -> c.wav"]
    assert put("en", "c") == []
    (sound,) = [each for each in sounds.all("acme") if each.level == 0]
    assert [(each.language, each.file, each.length, each.bytes) for each in sound.variants] == [
        ("de", "b.wav", "00:00:03", 16044),
        ("en", "c.wav", "00:00:03", 16044),
    ]
    assert [each.path for each in sounds.do(lambda act: folders.folders(act, "acme"))] == ["/a"]


def test_each_level_above_is_seen_with_its_origin(world: World) -> None:
    for place in ("acme-travellers", "acme", "northline", "admin", "beta"):
        Sounds(world).put(place, "/x/bye.wav")
    found = Sounds(world, OPERATOR).all("acme-travellers", text="bye")
    assert [(each.path, each.level, each.origin) for each in found[:4]] == [
        ("/x/bye.wav", 0, "acme:travellers"),
        ("//x/bye.wav", 1, "acme"),
        ("///x/bye.wav", 2, "Northline"),
        ("////x/bye.wav", 3, "your provider"),
    ]
    assert [each.path for each in found[4:]] == ["////prompts/goodbye.wav"], "its words"
    above = [each.origin for each in Sounds(world, PROVIDER).all("acme-travellers", text="bye")]
    assert above[2:4] == ["northline", "Admin"]


def test_what_is_above_can_be_chosen_and_not_changed(world: World) -> None:
    above = Sounds(world).put("northline", "/bye.wav")
    beside = Sounds(world).put("beta", "/bye.wav")
    sounds = Sounds(world, OPERATOR)
    seen = sounds.do(lambda act: listing.sound(act, "acme", sound_id=above))
    assert (seen.path, seen.variants[0].file) == ("//bye.wav", "a.wav")
    for deed in (
        lambda act: changing.rename(act, above, path="/b.wav"),
        lambda act: changing.remove(act, above),
        lambda act: listing.sound(act, "northline", sound_id=above),
        lambda act: listing.sound(act, "acme", sound_id=beside),
        lambda act: listing.sound(act, "acme", sound_id="\0"),
    ):
        with pytest.raises(NotFound):
            sounds.do(deed)


def test_a_reader_hears_and_does_not_change(world: World) -> None:
    own = Sounds(world).put("acme", "/bye.wav")
    sounds = Sounds(world, READER)
    assert sounds.do(lambda act: listing.sound(act, "acme", sound_id=own)).path == "/bye.wav"
    with pytest.raises(Forbidden, match="change sounds"):
        sounds.put("acme", "/b.wav")
    with pytest.raises(Forbidden):
        sounds.do(lambda act: folders.make(act, "acme", path="/b"))


def folder_id(act: Act, place_id: str, path: str) -> str:
    place = places.of_id(act.tx, place_id)
    assert place is not None
    return naming.find_folder(act.tx, place, path)


def make_private(sounds: Sounds, place: str, path: str, *, private: bool = True) -> None:
    def deed(act: Act) -> object:
        return folders.change(act, folder_id(act, place, path), private=private)

    sounds.do(deed)


def test_a_private_folder_is_not_there_for_accounts_below(world: World) -> None:
    own = Sounds(world, PROVIDER)
    hidden = own.put("northline", "/a/b/bye.wav")
    own.put("northline", "/a_/bye.wav")
    make_private(own, "northline", "/a")
    below = Sounds(world, OPERATOR)
    assert below.own("acme") == ["//a_/bye.wav"]
    assert [each.path for each in below.do(lambda act: folders.folders(act, "acme"))] == ["//a_"]
    with pytest.raises(NotFound):
        below.do(lambda act: listing.sound(act, "acme", sound_id=hidden))
    assert own.own("northline") == ["/a/b/bye.wav", "/a_/bye.wav"]
    assert own.own("acme") == ["//a_/bye.wav"], "it could not be chosen there"
    assert [
        (each.path, each.private) for each in own.do(lambda act: folders.folders(act, "northline"))
    ] == [
        ("/a", True),
        ("/a/b", False),
        ("/a_", False),
    ]
    make_private(own, "northline", "/a", private=False)
    assert below.own("acme") == ["//a/b/bye.wav", "//a_/bye.wav"]


def test_a_sound_in_use_stays_where_it_is(world: World) -> None:
    sounds = Sounds(world, PROVIDER)
    bye = sounds.put("northline", "/a/bye.wav")
    sounds.put("northline", "/a/bye.wav", "de")
    set_up(world, "acme-travellers", disconnect_sound="///a/bye.wav")
    set_up(world, "anna-phones", no_credit_sound="////a/bye.wav", disconnect_sound="/a/bye.wav")
    told = (
        "in use: northline/acme:travellers: disconnect_sound ///a/bye.wav; "
        "northline/acme/anna:phones: no_credit_sound ////a/bye.wav: change that first"
    )
    for deed in (
        lambda act: changing.rename(act, bye, path="/b.wav"),
        lambda act: changing.remove(act, bye),
    ):
        with pytest.raises(Faults, match=f"sound /a/bye.wav is {told}"):
            sounds.do(deed)
    with pytest.raises(Faults, match="in folder /a are in use below: northline/acme:trav"):
        make_private(sounds, "northline", "/a")
    assert sounds.lines(lambda act: changing.remove(act, bye, language="en")) == [
        'sound /a/bye.wav of northline: languages ["de", "en"] -> ["de"]'
    ]
    with pytest.raises(Faults, match="is in use"):
        sounds.do(lambda act: changing.remove(act, bye, language="de"))
    with pytest.raises(Faults, match="language: it is there in de only"):
        sounds.do(lambda act: changing.remove(act, bye, language="en"))
    set_up(world, "acme-travellers")
    set_up(world, "anna-phones")
    assert sounds.lines(lambda act: changing.rename(act, bye, path="/c/b.wav")) == [
        "sound /a/bye.wav of northline: path /a/bye.wav -> /c/b.wav"
    ]
    assert sounds.lines(lambda act: changing.remove(act, bye, language="de")) == [
        "deleted sound /c/b.wav of northline"
    ]
    assert sounds.own("northline") == []


def test_an_extension_may_use_what_is_in_its_own_private_folder(world: World) -> None:
    sounds = Sounds(world, OPERATOR)
    sounds.put("acme-travellers", "/a/bye.wav")
    set_up(world, "acme-travellers", disconnect_sound="/a/bye.wav")
    make_private(sounds, "acme-travellers", "/a")
    assert sounds.own("acme-travellers") == ["/a/bye.wav"]


def test_prompts_are_the_server_administrator_s_and_any_level_shadows_them(world: World) -> None:
    sounds = Sounds(world)
    (pin,) = sounds.all("acme", text="/pin.wav")
    assert (pin.path, pin.level, pin.words) == (
        "///prompts/pin.wav",
        2,
        "Please enter your PIN, then press hash.",
    )
    assert [(each.language, each.file, each.built_in) for each in pin.variants] == [
        ("en", "en/pin", True)
    ]
    paths = [each.path for each in sounds.all("admin", folder="/prompts")]
    assert {"/prompts/word-five.wav", "/prompts/credit.wav"} < set(paths)
    shadow = sounds.put("acme", "/prompts/pin.wav", "fr")
    top = sounds.put("admin", "/prompts/pin.wav", "de")
    found = sounds.all("acme", text="/pin.wav")
    assert [each.path for each in found] == ["/prompts/pin.wav", "///prompts/pin.wav"]
    assert [(each.language, each.built_in) for each in found[1].variants] == [
        ("de", False),
        ("en", True),
    ]
    for id_ in (shadow, top):
        sounds.do(lambda act, id_=id_: changing.remove(act, id_))
    assert [each.id for each in sounds.all("acme", text="/pin.wav")] == ["prompt-pin"]
    with pytest.raises(NotFound):
        sounds.do(lambda act: changing.remove(act, "prompt-pin"))
    assert sounds.do(lambda act: listing.sound(act, "acme", sound_id="prompt-pin")) == pin


def test_the_list_comes_page_by_page(world: World) -> None:
    sounds = Sounds(world)
    for number in range(5):
        sounds.put("acme", f"/{number}.wav")
        sounds.put("northline", f"/{number}.wav")
    whole = sounds.all("acme")
    found: list[ListedSound] = []
    after = listing.START
    while page := sounds.all("acme", after=after, limit=7):
        found += page
        after = page[-1].after
    assert found == whole
    assert len({each.path for each in whole}) == len(whole) > 90
    assert sounds.own("acme", folder="//") == [f"//{number}.wav" for number in range(5)]
    assert sounds.own("acme", folder="/") == [f"/{number}.wav" for number in range(5)]
    assert sounds.own("acme", text="/3.WAV") == ["/3.wav", "//3.wav"]
    assert sounds.own("acme", text="%") == sounds.own("acme", text="\0") == []


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("bye.wav", "path: 'bye.wav' must begin with one /"),
        ("//bye.wav", "path: begins with one /"),
        ("/../bye.wav", "path: '/../bye.wav' is no path"),
        ("/a//bye.wav", "is no path"),
        ("/a/./bye.wav", "is no path"),
        ("/", "is no path"),
        ("/a/", "is no path"),
        ("/bye\0.wav", "is no path"),
        ("/\u202ebye.wav", "is no path"),
        ("/\ud800", "is no path"),
        ("/" + "x" * 300, "is no path"),
        ("/a:b", "without :"),
        ("/a /b", "without spaces"),
        ("/prompts/pins.wav", "/prompts is for prompts: accept, "),
        ("/prompts/pin.mp3", "/prompts is for prompts"),
    ],
)
def test_paths_that_are_none(world: World, path: str, message: str) -> None:
    with pytest.raises(Faults) as refused:
        Sounds(world).put("acme", path, "English")
    assert message in str(refused.value)
    assert len(str(refused.value)) < 500
    assert "language: write a language as in BCP 47" in str(refused.value)


def test_a_sound_and_a_folder_have_no_path_in_common(world: World) -> None:
    sounds = Sounds(world)
    sounds.put("acme", "/a/bye.wav")
    for deed in (
        lambda act: changing.put(act, "acme", path="/a", language="en", upload=upload()),
        lambda act: changing.put(act, "acme", path="/a/bye.wav/x", language="en", upload=upload()),
        lambda act: folders.make(act, "acme", path="/a"),
        lambda act: folders.make(act, "acme", path="/a/bye.wav"),
    ):
        with pytest.raises(Faults, match="already"):
            sounds.do(deed)
    other = sounds.put("acme", "/b.wav")
    with pytest.raises(Faults, match=r"there is a sound /a/bye\.wav already"):
        sounds.do(lambda act: changing.rename(act, other, path="/a/bye.wav"))


def test_only_an_empty_folder_is_removed(world: World) -> None:
    sounds = Sounds(world)
    sound = sounds.put("acme", "/a/b/bye.wav")

    def remove(path: str) -> None:
        sounds.do(lambda act: folders.remove(act, folder_id(act, "acme", path)))

    with pytest.raises(Faults, match="sounds: 1, folders: 1: remove these first"):
        remove("/a")
    sounds.do(lambda act: changing.remove(act, sound))
    with pytest.raises(Faults, match="sounds: 0, folders: 1"):
        remove("/a")
    remove("/a/b")
    remove("/a")
    assert sounds.do(lambda act: folders.folders(act, "acme")) == []


def test_the_limit_of_each_level_counts_all_below(world: World) -> None:
    limit(world, "northline", 3)
    sounds = Sounds(world, OPERATOR)
    sounds.put("acme-travellers", "/a.wav", upload=upload("a", MEGABYTE))
    Sounds(world).put("beta", "/a.wav", upload=upload("a", MEGABYTE))
    full = upload("b", MEGABYTE + 1)
    with pytest.raises(Faults) as refused:
        sounds.put("acme", "/b.wav", upload=full)
    assert str(refused.value) == "file: there is no room for it: Northline has none left"
    with pytest.raises(Faults) as refused:
        Sounds(world, PROVIDER).put("acme", "/b.wav", upload=full)
    assert str(refused.value) == (
        "file: there is no room for it: of northline, 2.0 of 3 MB are used, and this takes "
        "1.0 MB: remove sounds, or see limits.storage_mb"
    )
    Sounds(world).put("southline", "/b.wav", upload=full)
    sounds.put("acme", "/b.wav", upload=upload("b", MEGABYTE))
    limit(world, "acme-travellers", 1)
    with pytest.raises(Faults, match=r"of acme:travellers, 1\.0 of 1 MB are used"):
        sounds.put("acme-travellers", "/b.wav")
    sounds.put("acme-travellers", "/a.wav", upload=upload("c", MEGABYTE - 1))
    limit(world, "acme-travellers", "unlimited")
    limit(world, "northline", "unlimited")
    sounds.put("acme-travellers", "/b.wav", upload=upload("b", 900 * MEGABYTE))
    with pytest.raises(Faults, match=r"of acme, 902\.0 of 1024 MB are used"):
        sounds.put("acme", "/c.wav", upload=upload("c", 200 * MEGABYTE))


def test_what_a_path_means(world: World) -> None:
    sounds = Sounds(world)
    above = sounds.put("northline", "/a/bye.wav")
    sounds.put("northline", "/b/bye.wav")
    make_private(sounds, "northline", "/b")

    def found(path: str) -> str:
        def deed(act: Act) -> str:
            place = places.of_id(act.tx, "acme")
            assert place is not None
            return naming.find_stored(act.tx, place, path)

        return str(sounds.do(deed))

    assert found("//a/bye.wav") == above
    for absent in ("/a/bye.wav", "//b/bye.wav", "//none.wav"):
        with pytest.raises(NotFound) as refused:
            found(absent)
        assert str(refused.value) == f"there is no sound {absent}"
    for path, told in (
        ("////bye.wav", "path: leads 3 levels up, and there are 2 above"),
        ("//////bye.wav", "path: '//////bye.wav' must begin with one /"),
        ("///prompts/pin.wav", "path: is built in: put a sound of your own in its place, at "),
    ):
        with pytest.raises(Faults, match=told):
            found(path)
