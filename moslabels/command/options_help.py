"""The text of ``moslabels options`` about the options of a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from moslabels.base.text import shown
from moslabels.command.arguments import OF_WRITERS, flag
from moslabels.command.parser import wrapped
from moslabels.spec.options import FIELDS


def options_text(names: Sequence[str]) -> str:
    """Return what the named options do, or what all options and the settings do if none is named."""
    told = [_option_text(name) for name in dict.fromkeys(names or FIELDS)]
    if not names:
        told += [
            "Flags of all commands that read tables:",
            *(
                f"{flag(name)} {keywords['metavar']}\n{wrapped(text, '    ')}"
                for name, (text, keywords) in OF_WRITERS.items()
            ),
        ]
    return "\n".join(told) + "\n"


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
