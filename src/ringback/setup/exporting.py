"""Writing a setup file that brings about again what there is.

It is read some at a time, in short reads, and written entry by entry: neither do calls wait for it,
nor does it take much memory. What changes meanwhile is as before or as after.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, TypeVar

from ringback.accounts.names import ADMINISTRATOR
from ringback.accounts.setupfile import LARGEST_BYTES, MOST_VALUES
from ringback.management import places
from ringback.management.desk import Desk, Identity
from ringback.management.exporting import accounts, caller_ids, plans, server, sounds
from ringback.management.exporting.form import Exported
from ringback.management.exporting.server import Ways
from ringback.management.exporting.tree import Node, tree
from ringback.management.refusals import NotFound
from ringback.management.verbs import Act
from ringback.setup import yamltext

T = TypeVar("T")
K = TypeVar("K")
Keep = Callable[[str], str | None]
"""Keeps the file of a sound, by its name in the data directory, beside the setup file; returns what
it is called from there, or None where there is no such file."""

AT_ONCE = 50
"""So many accounts or plans in one read: some 20 ms."""
_IN = 2
"""Columns before the dash of an entry."""

HEADER = """\
# yaml-language-server: $schema=setup.schema.json
# By this line editors know the keys. To have that file: ringback apply --schema > setup.schema.json
#
# What there is, as ringback export wrote it. ringback apply brings it about again.
# - PINs and passwords are not in it: on this server they stay as they are; on another, set them.
# - Money is not in it: on this server balances and credit stay as they are, since an amount would
#   be recharged again; on another, use ringback recharge. Of credit there is only "unlimited".
# - Logins, keys and folders of sounds have no place in such a file.
"""


class Export:
    """One export of an account and all that lies below it, for somebody."""

    def __init__(
        self,
        desk: Desk,
        who: Identity,
        account_id: str,
        write: Callable[[str], object],
        keep: Keep | None,
    ) -> None:
        """`write` takes the text bit by bit. Without `keep`, sounds are left out."""
        self._desk = desk
        self._who = who
        self._account_id = account_id
        self._write = write
        self._keep = keep
        self._section = ""
        self._bytes = 0
        self._values = 0
        self._missing: list[str] = []

    async def run(self) -> Sequence[str]:
        """Write it. Returns what is missing in it, though no secret, a line each, and whether it
        is too large. Raises NotFound,
        Forbidden, StoreError, OSError."""
        nodes = await self._read(lambda act: tree(act, self._account_id))
        extensions = [node for node in nodes if node.is_extension]
        not_extensions = [node for node in nodes if not node.is_extension]
        self._text(HEADER)
        await self._accounts(not_extensions)
        await self._plans(not_extensions)
        await self._extensions(extensions)
        await self._numbers(nodes)
        await self._sounds(nodes)
        await self._ways()
        if self._bytes > LARGEST_BYTES or self._values > MOST_VALUES:
            self._missing.append(
                "it is larger than ringback apply takes: divide it into several files"
            )
        return self._missing

    async def _accounts(self, nodes: Sequence[Node]) -> None:
        async for node, found in self._each(nodes, lambda node: node.id, accounts.account):
            parent = {} if node.above is None else {"parent": node.above}
            place = {} if node.name == ADMINISTRATOR else {**parent, "level": node.level}
            entry = {"name": node.name, **place, **found.document}
            self._entry("accounts", entry, f"account {node.path}", found)

    async def _plans(self, nodes: Sequence[Node]) -> None:
        async for node, ids in self._each(nodes, lambda node: node.id, plans.plans):
            async for _, found in self._each(ids, str, plans.plan):
                name, rest = found.document["name"], dict(found.document)
                entry = {"name": name, "account": node.path, **rest}
                self._entry("plans", entry, f"plan {node.path}:{name}", found)

    async def _extensions(self, nodes: Sequence[Node]) -> None:
        def whole(act: Act, id_: str) -> tuple[Exported, Exported]:
            return accounts.account(act, id_), accounts.extension(act, id_)

        async for node, (as_any, own) in self._each(nodes, lambda node: node.id, whole):
            entry = {"name": node.name, "account": node.above, **as_any.document, **own.document}
            self._begin("extensions")
            self._remarks(f"extension {node.path}", as_any, own)
            self._values += yamltext.values_in(entry)
            self._lines(yamltext.opened(entry, _IN))
            await self._caller_ids(node.id)

    async def _caller_ids(self, extension_id: str) -> None:
        after = ""
        while True:
            found = await self._some_caller_ids(extension_id, after)
            if not found:
                return
            if not after:
                self._lines([f"{' ' * (_IN + 2)}caller_ids:"])
            for each in found:
                self._values += yamltext.values_in(each)
                self._lines(yamltext.item(each, _IN + 4))
            after = found[-1]["number"]

    async def _some_caller_ids(self, extension_id: str, after: str) -> list[dict[str, Any]]:
        def deed(act: Act) -> list[dict[str, Any]]:
            try:
                return caller_ids.caller_ids(act, extension_id, after=after)
            except NotFound:  # it has been deleted meanwhile
                return []

        return await self._read(deed)

    async def _numbers(self, nodes: Sequence[Node]) -> None:
        async for node, found in self._each(nodes, lambda node: node.id, accounts.held):
            for each in found:
                number, rest = each["number"], dict(each)
                self._entry("access_numbers", {"number": number, "account": node.path, **rest})

    async def _sounds(self, nodes: Sequence[Node]) -> None:
        left_out = 0
        async for node, found in self._each(nodes, lambda node: node.id, sounds.sounds):
            for each in found:
                file = None if self._keep is None else self._keep(each.file)
                left_out += file is None
                if file is not None:
                    entry = {"account": node.path, "path": each.path, "language": each.language}
                    self._entry("sounds", {**entry, "file": file})
        if left_out:
            why = "write to a file" if self._keep is None else "their files are not there"
            self._told(f"sounds: {left_out} are not in it: {why}")

    async def _ways(self) -> None:
        def deed(act: Act) -> Ways | None:
            at_top = self._account_id == places.top(act.tx)
            return server.ways(act, self._account_id) if at_top else None

        found = await self._read(deed)
        if found is not None:
            for trunk in found.trunks:
                self._entry("trunks", trunk.document, f"trunk {trunk.document['name']}", trunk)
            for route in found.routes:
                self._entry("routes", route)

    async def _each(
        self, items: Sequence[K], id_of: Callable[[K], str], read: Callable[[Act, str], T]
    ) -> AsyncIterator[tuple[K, T]]:
        """What a read finds of each, some at a time. One that is gone is passed over."""
        for start in range(0, len(items), AT_ONCE):

            def some(act: Act, start: int = start) -> list[tuple[K, T]]:
                found = []
                for each in items[start : start + AT_ONCE]:
                    try:
                        found.append((each, read(act, id_of(each))))
                    except NotFound:
                        continue
                return found

            for pair in await self._read(some):
                yield pair

    async def _read(self, deed: Callable[[Act], T]) -> T:
        return await self._desk.read(self._who, deed)

    def _entry(
        self, section: str, entry: Any, what: str = "", found: Exported | None = None
    ) -> None:
        self._begin(section)
        if found is not None:
            self._remarks(what, found)
        self._values += yamltext.values_in(entry)
        self._lines(yamltext.item(entry, _IN))

    def _begin(self, section: str) -> None:
        if section != self._section:
            self._lines(["", f"{section}:"])
            self._section = section

    def _remarks(self, what: str, *found: Exported) -> None:
        for each in found:
            if each.remark:
                self._lines([yamltext.comment(each.remark, _IN)])
            if each.missing:
                self._lines([yamltext.comment(each.missing, _IN)])
                self._missing.append(f"{what}: {each.missing}")

    def _told(self, what: str) -> None:
        self._lines(["", yamltext.comment(what, 0)])
        self._missing.append(what)

    def _lines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._text(f"{line}\n")

    def _text(self, text: str) -> None:
        self._bytes += len(text.encode())
        self._write(text)
