"""The text of ``moslabels options`` about the options of a table, and about the flags that helps only name."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from moslabels.base.text import shown
from moslabels.command.arguments import ENGINE, OF_MATERIALIZE, SETTINGS, WORKERS, flag
from moslabels.command.parser import wrapped
from moslabels.spec.options import FIELDS

_FLAGS = SETTINGS | WORKERS | ENGINE | OF_MATERIALIZE
NAMES = (*FIELDS, *_FLAGS)
"""What :func:`options_text` can tell of."""


def options_text(names: Sequence[str]) -> str:
    """Return what the named options and flags do, or what all of them do if none is named."""
    if names:
        told = [_option_text(name) if name in FIELDS else _flag_text(name) for name in dict.fromkeys(names)]
    else:
        told = [
            *map(_option_text, FIELDS),
            "Flags of all commands that read tables:",
            *map(_flag_text, SETTINGS),
            "Flags of batch and materialize:",
            *map(_flag_text, WORKERS | ENGINE | OF_MATERIALIZE),
        ]
    return "\n".join(told) + "\n"


def _flag_text(name: str) -> str:
    text, keywords = _FLAGS[name]
    return f"{flag(name)} {keywords.get('metavar', '')}".rstrip() + f"\n{wrapped(text, '    ')}"


def _option_text(name: str) -> str:
    """Return what an option does, how it is written, and its default."""
    option = FIELDS[name]
    kind, default = option.metadata["kind"], option.default
    if default is dataclasses.MISSING:
        default = {}
    notes = {
        "may stand in an entry of labels, for that file alone": option.metadata["of_label"],
        "repeat the flag for a list": kind.is_repeated,
        "not set by default" if default is None else f"default: {shown(default)}": True,
    }
    said = "; ".join(note for note, holds in notes.items() if holds)
    lines = [wrapped(option.metadata["help"], "    "), wrapped(said, "    ")]
    return "\n".join([f"{flag(name)} {kind.placeholder}".rstrip(), *lines])
