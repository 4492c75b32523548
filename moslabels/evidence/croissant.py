"""An audit and the columns of its table as Croissant 1.0: JSON-LD by which data sets are found and loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from moslabels.evidence.label_columns import LABEL_MEANINGS, label_columns

_CONTEXT: Mapping[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    **{
        name: f"cr:{name}"
        for name in (
            "citeAs column equivalentProperty extract field fileProperty fileObject fileSet format includes "
            "isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace samplingRate "
            "separator source subField transform"
        ).split()
    },
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
}
"""The context that the specification asks for, word for word."""
_GIVEN = {"citation": "citeAs", "date": "datePublished", "license": "license", "url": "url", "version": "version"}
_FILE, _RECORDS = "labelled-table", "rows"


def croissant(audit: Mapping[str, Any], columns: pa.Schema, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the description of a labelled Parquet table. ``columns`` are those of its file.

    ``given`` has ``url``, ``license`` and ``date``, and may have ``name``, ``description``, ``creator``, ``version``,
    ``citation`` and ``content_url``. A column whose type Croissant has no name for is left out, and the description of
    the record set says so.
    """
    base_name = os.path.basename(audit["output"])
    sources = ", ".join(map(os.path.basename, audit["label_sources"]))
    description = (
        f"Video-quality features of {audit['input_rows']} rows with mean opinion scores (MOS) of {sources}, joined by "
        f"moslabels: {audit['matched_rows']} rows have a score, and {audit['match_rate']:.3f} of the distinct keys."
    )
    types = {column.name: type_of(column.type) for column in columns}
    left_out = [name for name, kind in types.items() if kind is None]
    says = f"A row of {base_name} each."
    if left_out:
        says += f" Columns of other types are left out: {', '.join(left_out)}."
    meanings = label_columns(audit, LABEL_MEANINGS)
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": given.get("name", os.path.splitext(base_name)[0]),
        "description": given.get("description", description),
        **{member: given[name] for name, member in _GIVEN.items() if name in given},
        **({"creator": {"@type": "sc:Person", "name": given["creator"]}} if "creator" in given else {}),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": _FILE,
                "name": base_name,
                "contentUrl": given.get("content_url", base_name),
                "encodingFormat": "application/x-parquet",
                "contentSize": f"{audit['output_bytes']} B",
                "sha256": audit["output_sha256"],
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": _RECORDS,
                "name": _RECORDS,
                "description": says,
                "field": [
                    {
                        "@type": "cr:Field",
                        "@id": f"{_RECORDS}/{quote(name, safe='')}",
                        "name": name,
                        "description": meanings.get(name, "A column of the features, unchanged."),
                        "dataType": kind,
                        "source": {"fileObject": {"@id": _FILE}, "extract": {"column": name}},
                    }
                    for name, kind in types.items()
                    if kind is not None
                ],
            }
        ],
    }


def type_of(kind: pa.DataType) -> str | None:
    """Return the name that Croissant has for the type of a column; None if it has none."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (
        ("sc:Boolean", pa.types.is_boolean),
        ("sc:Integer", pa.types.is_integer),
        ("sc:Float", pa.types.is_floating),
        ("sc:Float", pa.types.is_decimal),
        ("sc:Date", pa.types.is_date),
        ("sc:DateTime", pa.types.is_timestamp),
        ("sc:Text", lambda one: pa.types.is_string(one) or pa.types.is_large_string(one)),
    )
    return next((name for name, is_such in tests if is_such(kind)), None)
