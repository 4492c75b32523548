"""The first task: to read the footers of a group of parts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from moslabels.base.settings import Settings
from moslabels.files.listing import PartFile
from moslabels.files.watched import size_and_time
from moslabels.parts.messages import pack, unpack
from moslabels.sources.parquet_parts import PartFacts, part_facts
from moslabels.sources.part import Part


def examine_task(files: Sequence[PartFile], roles: Mapping[str, str], memory: float) -> bytes:
    """Return the task of a group of parts, see :func:`moslabels.sources.parquet_parts.part_facts`."""
    paths = [file.path for file in files]
    return pack({"base": os.getcwd(), "paths": paths, "roles": dict(roles), "memory": memory})


def examine(task: bytes, _settings: Settings) -> bytes:
    """Read the footers of a group of parts. Raise TableError for the first that is damaged."""
    header, _ = unpack(task)
    names: dict[str, tuple[str, ...]] = {}
    found: list[dict[str, Any]] = []
    for path in header["paths"]:
        facts = part_facts(Part(path, os.path.join(header["base"], path)), header["roles"], header["memory"])
        names[facts.schema] = facts.names  # Parts of one schema have the same names.
        found.append({"rows": facts.rows, "schema": facts.schema, "state": size_and_time(facts.state)})
    return pack({"names": names, "parts": found})


def examined(result: bytes) -> list[PartFacts]:
    """Return the facts of the parts of a group. Their states have the size and the time alone."""
    header, _ = unpack(result)
    names = {schema: tuple(of_schema) for schema, of_schema in header["names"].items()}
    return [PartFacts(one["rows"], names[one["schema"]], one["schema"], tuple(one["state"])) for one in header["parts"]]
