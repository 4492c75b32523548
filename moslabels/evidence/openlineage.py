"""An audit as an event of OpenLineage (2-0-2): a run that has ended, with the tables that it read and wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from moslabels.evidence.label_columns import label_columns
from moslabels.labelling.keys import several

_SPEC = "https://openlineage.io/spec"


def openlineage(audit: Mapping[str, Any], columns: pa.Schema | None, given: Mapping[str, str]) -> dict[str, Any]:
    """Return the event of the run that wrote a labelled table.

    ``given`` has ``run_id``, ``date`` (with its time) and ``namespace``. ``columns`` are those of the labelled table;
    without them the event has no schema of it.
    """
    namespace = given["namespace"]
    producer = f"pkg:generic/moslabels@{audit['run_provenance']['versions']['moslabels']}"

    def facet(name: str, version: str, **members: Any) -> dict[str, Any]:
        return {"_producer": producer, "_schemaURL": f"{_SPEC}/facets/{version}/{name}.json#/$defs/{name}", **members}

    def dataset(path: str, facets: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        return {"namespace": namespace, "name": path, "facets": facets, **more}

    facets = {"columnLineage": facet("ColumnLineageDatasetFacet", "1-2-0", fields=_lineage(audit, columns, namespace))}
    if columns is not None:
        fields = [{"name": column.name, "type": str(column.type)} for column in columns]
        facets["schema"] = facet("SchemaDatasetFacet", "1-2-0", fields=fields)
    gates = facet("DataQualityAssertionsDatasetFacet", "1-1-0", assertions=_gates(audit))
    counts = {"rowCount": audit["output_rows"], "size": audit["output_bytes"]}
    statistics = facet("OutputStatisticsOutputDatasetFacet", "1-0-2", **counts)
    labels = dict.fromkeys(audit["label_sources"])
    return {
        "eventType": "COMPLETE",
        "eventTime": given["date"],
        "producer": producer,
        "schemaURL": f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": given["run_id"], "facets": {}},
        "job": {"namespace": namespace, "name": f"moslabels {audit['output']}", "facets": {}},
        "inputs": [
            dataset(audit["feature_table"], {}, inputFacets={"dataQualityAssertions": gates}),
            *(dataset(path, {}) for path in labels),
        ],
        "outputs": [dataset(audit["output"], facets, outputFacets={"outputStatistics": statistics})],
    }


def _gates(audit: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the two gates as assertions about the features, with what was asked for and what was found."""
    rows = audit["input_rows"]
    found = {
        "match_rate": (audit["match_rate"], "distinct keys that have a label"),
        "key_rate": ((rows - audit["rows_without_key"]) / rows if rows else 0.0, "rows that yield a key"),
    }
    least = audit["min_match_rate"]
    return [
        {
            "assertion": name,
            "success": value >= least,
            "severity": "error",
            "description": f"The share of {says} is at least min_match_rate.",
            "expected": f">= {least!r}",
            "actual": repr(value),
        }
        for name, (value, says) in found.items()
    ]


def _lineage(audit: Mapping[str, Any], columns: pa.Schema | None, namespace: str) -> dict[str, Any]:
    """Return which columns each column of the output came from."""

    def field(path: str, column: str, kind: str, subtype: str, says: str) -> dict[str, Any]:
        transformation = {"type": kind, "subtype": subtype, "description": says, "masking": False}
        return {"namespace": namespace, "name": path, "field": column, "transformations": [transformation]}

    keys = [(audit["feature_table"], name) for name in several(audit["feature_key_column"])]
    keys += [(file["path"], name) for file in audit["label_files"] for name in _key_columns(file)]
    met = [field(path, name, "INDIRECT", "JOIN", "the keys that met") for path, name in dict.fromkeys(keys)]
    direct: dict[str, list[dict[str, Any]]] = {name: [] for name in label_columns(audit, _ANY)}
    for file in audit["label_files"]:
        scores = {"mos": file["mos_column"], "mos_raw_0_100": file.get("mos_raw_column", file["mos_column"])}
        for output, score in scores.items():
            for column in filter(None, (score, file.get("mos_scale_column"))):
                says = f"the score, of the scale {file['mos_scale']}"
                direct[output].append(field(file["path"], column, "DIRECT", "TRANSFORMATION", says))
    for extra in audit.get("extra_columns", ()):
        direct[extra["output"]].append(field(extra["path"], extra["column"], "DIRECT", "IDENTITY", "carried over"))
    own = [column.name for column in columns or () if column.name not in direct]
    unchanged = {
        name: {"inputFields": [field(audit["feature_table"], name, "DIRECT", "IDENTITY", "unchanged")]} for name in own
    }
    return {**unchanged, **{name: {"inputFields": [*fields, *met]} for name, fields in direct.items()}}


_ANY = dict.fromkeys(("mos", "mos_raw_0_100", "status", "source", "extra"), "")


def _key_columns(file: Mapping[str, Any]) -> Sequence[str]:
    """Return the columns of a label file that its key is made of. A constant is not a column."""
    return [name for name in several(file["key_column"]) if name not in file.get("key_constants", {})]
