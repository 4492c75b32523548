"""The published JSON Schemas: what is taken and written is valid; what is refused is not, where a schema can tell."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from helpers.command import moslabels
from helpers.job import Job
from helpers.paths import ROOT
from helpers.schemas import schema_of
from moslabels import UsageError, load_manifest
from moslabels.evidence.json_schema import SCHEMAS, schema_text
from moslabels.evidence.shape import fits
from moslabels.spec.options import FIELDS, LABEL_FIELDS

TABLE = {"id": "t", "features": "f.csv", "labels": ["l.csv"], "out": "o.csv"}
OPTIONS: dict[str, list[Any]] = {
    "feature_key_column": ["key", ["corpus", "key"], None],
    "label_key_column": ["key", None],
    "label_mos_column": ["mos", None],
    "key_normalize": ["auto", "raw", "basename", "stem"],
    "feature_key_regex": ["([0-9]+)", "", None, [None, "x"]],
    "label_key_regex": ["([0-9]+)", "", None],
    "feature_key_template": ["{0}", "{0}_é.yuv", None],
    "label_key_template": ["{0}", "{0}{0}", None],
    "key_constants": [{}, {"corpus": "konvid"}],
    "key_case": ["exact", "fold"],
    "min_match_rate": [0, 0.95, 1],
    "warn_match_rate": [0.96, 1, None],
    "max_clipped": [0, 0.05, 1],
    "match_rate_by": ["corpus", None],
    "status_column": ["state"],
    "overwrite": [True, False],
    "mos_scale": ["auto", "1-5", "0-100", "per-value", {"worst": 100, "best": 0}, "0-10", "100-0", "0.5-5.5"],
    "mos_scale_column": ["scale", None],
    "out_of_range": ["error", "clip"],
    "missing_mos": ["error", "skip"],
    "missing_values": [[], ["NA", ""], "NA"],
    "partitions": [[], ["corpus", "set"], "corpus"],
    "examples": [{}, {"x_960.mp4": "x", "é": None}],
    "confirm": [[], ["the scale", "é"]],
    "mos_tolerance": [0, 1e-6, 4],
    "extras": [
        [],
        ["a"],
        {"a": "b"},
        {"a": {"as": "b", "type": "BIGINT"}, "c": {"as": "d"}, "e": {"type": "DOUBLE"}},
        {
            "a": {"missing_values": ["NA", ""]},
            "b": {"missing_values": "NA"},
            "d": {"as": "c", "type": "DOUBLE", "missing_values": []},
        },
        None,
    ],
    "label_csv": [{}, {"header": False, "delimiter": ", ", "encoding": "utf-16"}, ";", {"column_names": ["a", "b"]}],
    "feature_csv": [
        {},
        {"header": True},
        "||",
        "whitespace",
        {"delimiter": "whitespace", "merge_delimiters": True, "decimal": ","},
    ],
}
WRONG: dict[str, list[Any]] = {
    "feature_key_column": ["", [], [""], 3],
    "label_key_column": ["", {}],
    "label_mos_column": ["", ["mos"]],
    "key_normalize": ["base", None],
    "feature_key_regex": [3, [], [""]],
    "label_key_regex": [False],
    "feature_key_template": ["", "x", "{a}", "{0", "0}", "{0}{}", 3],
    "label_key_template": ["{-1}", "{{0}}", ["{0}"]],
    "key_constants": [[], {"a": 3}, {"a": " "}, {"a": ""}, "a", None],
    "key_case": ["lower", "", None],
    "min_match_rate": [-0.1, 1.1, "0.9", None],
    "warn_match_rate": [-0.1, 1.1, "0.99", True],
    "max_clipped": [-0.1, 1.1, "0.9", None],
    "match_rate_by": ["", ["a"]],
    "status_column": ["", None],
    "overwrite": ["yes", 1, None],
    "mos_scale": [
        "1-",
        "-3-3",
        "01-05",
        {"worst": 1},
        {"worst": 1, "best": "5"},
        {"worst": 1, "best": 2, "x": 3},
        None,
    ],
    "mos_scale_column": ["", ["scale"]],
    "out_of_range": ["skip"],
    "missing_mos": ["clip"],
    "missing_values": ["", [3]],
    "partitions": ["", [3]],
    "examples": ["a", ["a"], {"a": ""}, {"a": 3}, {"a": ["b"]}, {"a": ["b", 3]}, {"a": {"b": "c"}}, None],
    "confirm": ["the scale", [""], [" "], [3], None],
    "mos_tolerance": [-1, 5],
    "extras": [
        "a",
        [""],
        {"a": ""},
        ["a", "a"],
        {"a": {}},
        {"a": {"type": "INT"}},
        {"a": {"as": "b", "to": "c"}},
        {"a": {"missing_values": ""}},
    ],
    "label_csv": [
        {"header": "no"},
        {"sep": ","},
        {"delimiter": ""},
        {"delimiter": '"'},
        {"encoding": "ascii"},
        "",
        None,
    ],
    "feature_csv": [
        [],
        {"quote": "'"},
        {"column_names": []},
        {"column_names": ["a", "a"]},
        {"merge_delimiters": 1},
        {"decimal": ";"},
        "white space",
    ],
}


def valid(kind: str, document: Any) -> bool:
    return schema_of(kind).is_valid(document)


def loads(path: Path, document: Any) -> bool:
    path.write_text(json.dumps(document))
    try:
        load_manifest(path)
    except UsageError:
        return False
    return True


def test_every_option_is_tried() -> None:
    assert set(OPTIONS) == set(WRONG) == set(FIELDS)


@pytest.mark.parametrize("name", list(FIELDS))
def test_an_option_is_valid_where_it_is_taken(tmp_path: Path, name: str) -> None:
    matching = {"label_key_column": ["a", "b"], "label_key_regex": "x"}
    # What an option needs beside it.
    beside = {
        "feature_key_template": {"feature_key_column": "a"},
        "label_key_template": {"label_key_column": "a"},
        "key_constants": {"feature_key_column": ["corpus", "a"], "label_key_column": ["corpus", "a"]},
    }
    table = {**TABLE, "features": ["f.parquet"], "out": "o"} if name == "partitions" else TABLE
    for value in OPTIONS[name]:
        extra = matching if name == "feature_key_column" and isinstance(value, list) else {}
        extra = {**matching, "feature_key_column": ["a", "b"]} if value == [None, "x"] else extra
        extra = beside.get(name, extra)
        for document in (
            {"tables": [{**table, name: value, **extra}]},
            {"defaults": {name: value, **extra}, "tables": [table]},
        ):
            assert loads(tmp_path / "m.json", document), document
            assert valid("manifest", document), document
        in_label = {"tables": [{**table, "labels": [{"path": "l.csv", name: value}]}]}
        assert valid("manifest", in_label) == (name in LABEL_FIELDS)
    for value in WRONG[name]:
        document = {"tables": [{**table, name: value}]}
        assert not loads(tmp_path / "m.json", document), document
        assert not valid("manifest", document), document


MANIFESTS = [
    ({"tables": [TABLE]}, True),
    ({"$schema": "x", "_comment": [1], "defaults": {}, "tables": [TABLE]}, True),
    ({"tables": [{**TABLE, "audit_json": None, "unmatched": "u.csv"}]}, True),
    ({"tables": []}, False),
    ({}, False),
    ([], False),
    ({"tables": [TABLE], "comment": 1}, False),
    ({"tables": [{**TABLE, "_comment": 1}]}, False),
    ({"tables": [{**TABLE, "labels": []}]}, False),
    ({"tables": [{**TABLE, "labels": [{"mos_scale": "1-5"}]}]}, False),
    *[({"tables": [{key: value for key, value in TABLE.items() if key != name}]}, False) for name in TABLE],
]


@pytest.mark.parametrize(("document", "right"), MANIFESTS)
def test_a_manifest(tmp_path: Path, document: Any, right: bool) -> None:
    assert (valid("manifest", document), loads(tmp_path / "m.json", document)) == (right, right)


@pytest.mark.parametrize("path", sorted(ROOT.glob("examples/**/manifest.json")), ids=str)
def test_the_examples_are_valid_and_name_their_schema(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    assert valid("manifest", document)
    assert (path.parent / document["$schema"]).read_text(encoding="utf-8") == schema_text("manifest")


@pytest.mark.parametrize("kind", ["manifest", "audit", "report", "timings"])
def test_the_command_prints_them(tmp_path: Path, kind: str) -> None:
    done = moslabels("schema", kind, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    jsonschema.Draft202012Validator.check_schema(json.loads(done.stdout))
    assert json.loads(done.stdout) == schema_of(kind).schema
    if kind == "manifest":
        assert moslabels("schema", cwd=tmp_path).stdout == done.stdout
        options = json.loads(done.stdout)["properties"]["defaults"]["properties"]
        assert all(options[name]["description"] == field.metadata["help"] for name, field in FIELDS.items())


def test_edited_documents_are_not_valid(tmp_path: Path) -> None:
    (tmp_path / "f.csv").write_text("key\na\n")
    (tmp_path / "l.csv").write_text("key,mos\na,3\n")
    (tmp_path / "m.json").write_text(json.dumps({"tables": [{**TABLE, "audit_json": "a.json"}]}))
    done = moslabels("batch", "m.json", cwd=tmp_path)
    report, audit = json.loads(done.stdout), json.loads((tmp_path / "a.json").read_text())
    for kind, document in (("report", report), ("audit", audit)):
        assert valid(kind, document)
        # Members that came later are none of those that must be there.
        later = (
            "unmatched key_case extra_columns columns_left_out mos_stats_by_key mos_histogram_by_key clipped_histogram "
            "clipped_histogram_by_key joined_sample"
        ).split()
        for name in document:
            assert valid(kind, {key: value for key, value in document.items() if key != name}) == (name in later), name
            assert not valid(kind, {**document, name: -1}), name
        assert valid(kind, {**document, "more": 1}), "a later version may add members, at any level"
        assert valid(kind, {**document, "run_provenance": {**document["run_provenance"], "more": 1}})
        assert not fits({**document, "more": 1}, SCHEMAS[kind]())


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of all values inside of a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, inner in items:
        yield (*path, name)
        yield from places(inner, (*path, name))


def test_fits_tells_a_misshapen_audit_as_a_validator_does(job: Job) -> None:
    """Each value of an audit in turn is left out, or of another type."""
    job.run(
        [{"key": "a", "set": "x"}, {"key": "b", "set": "y"}],
        [{"key": "a", "mos": 3}, {"key": "z", "mos": 4}],
        min_match_rate=0,
        match_rate_by="set",
    )
    schema = SCHEMAS["audit"]()
    assert fits(job.audit, schema)
    tried = 0
    for path in places(job.audit):
        if path[0] == "run_provenance" and len(path) > 1:
            continue  # Its schema is for one of several kinds of block.
        for other in (None, "x", -1.5, [], {}, True):
            document = json.loads(json.dumps(job.audit))
            holder = document
            for name in path[:-1]:
                holder = holder[name]
            holder[path[-1]] = other
            right = valid("audit", document)
            assert fits(document, schema) >= right
            if fits(document, schema) and not right:  # Of the right type, and beyond its range or its pattern.
                assert isinstance(other, str | float | list), path
            tried += not right
    assert tried > 300
