"""The result of checking one file: what differs from its claims, and what could not be checked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moslabels.base.text import listed, shown_apart, visible
from moslabels.evidence.documents import Evidence
from moslabels.evidence.shape import Misfit

NOTHING = object()
"""The value of a member that is not there. It differs from None, which is the value of a member that is null."""
_MOST_MISFITS = 5


@dataclass
class Checked:
    """The result for one file.

    ``missing`` are the files that it names and that are not there. ``notes`` are shown to the user, but are not
    compared. ``apart`` are the places of members that it lacks, or that this version does not know.
    """

    path: str
    kind: str
    differences: list[dict[str, Any]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    changed_inputs: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    apart: set[str] = field(default_factory=set)

    @property
    def status(self) -> str:
        return "differs" if self.differences else "unknown" if self.unknown else "ok"

    def compare(self, what: str, claimed: Any, found: Any) -> None:
        """Note a difference. In objects and lists, note each member that differs."""
        if isinstance(claimed, Mapping) and isinstance(found, Mapping):
            for name in sorted({*claimed, *found}):
                self.compare(f"{what}.{name}" if what else name, claimed.get(name, NOTHING), found.get(name, NOTHING))
        elif isinstance(claimed, list) and isinstance(found, list) and len(claimed) == len(found):
            for index, pair in enumerate(zip(claimed, found, strict=True)):
                self.compare(f"{what}[{index}]", *pair)
        elif what in self.apart and (claimed is NOTHING or found is NOTHING):
            return  # has_shape has noted it.
        elif claimed != found or isinstance(claimed, bool) != isinstance(found, bool):
            difference = {"what": what, "claimed": _plain(claimed), "found": _plain(found)}
            if difference not in self.differences:  # Several checks may find the same difference.
                self.differences.append(difference)

    def tell_not(self, why: str) -> None:
        """Note something that could not be checked, only once if it is told again."""
        if why not in self.unknown:
            self.unknown.append(why)

    def has_shape(self, document: Evidence, may_lack: Callable[[str], bool] = lambda _: False) -> bool:
        """Return whether evidence has the shape of its kind, so that it can be checked. Note what cannot be checked.

        ``may_lack`` returns whether an older version may have left out the member at a place.
        """
        has_shape = self._note_misfits(document.misfits(), may_lack)
        return self._note_misfits(document.block_misfits(), may_lack) and has_shape

    def _note_misfits(self, misfits: list[Misfit], may_lack: Callable[[str], bool]) -> bool:
        found = [one for one in misfits if one.kind != "value"]
        self.apart |= {one.place for one in found}
        unknown = [one.place for one in found if one.kind == "unknown"]
        lacking = [one.place for one in found if one.kind == "missing" and may_lack(one.place)]
        wrong = [one for one in found if one.place not in (*unknown, *lacking)]
        for one in wrong[:_MOST_MISFITS]:
            self.tell_not(f"its shape is not that of one that moslabels wrote: {visible(one.place) or 'it'} {one.says}")
        if unknown:
            self.tell_not(f"it holds what this version does not know, which is not checked: {listed(unknown)}")
        if lacking:
            self.tell_not(f"it lacks what this version writes, which is not checked: {listed(lacking)}")
        return not wrong

    def members(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {
            "path": self.path,
            "kind": self.kind,
            "status": self.status,
            "differences": self.differences,
            "unknown": self.unknown,
            "changed_inputs": self.changed_inputs,
            "missing": self.missing,
            "notes": self.notes,
        }


def told(difference: Mapping[str, Any]) -> str:
    """Return a difference as a text for people."""
    says, found = shown_apart(difference["claimed"], difference["found"])
    return f"{difference['what'] or 'it'}: says {says}, is {found}"


def _plain(value: Any) -> Any:
    return "nothing" if value is NOTHING else value
