"""Audits as Croissant, OpenLineage and in-toto: what they say is what the audit says; no file is opened unasked."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.command import moslabels
from moslabels import join, materialize

RUN_ID = "01890f5e-2f0c-7cc2-9d8a-0242ac120002"
OTHER_TYPES = {"embedding": pa.array([[1.0, 2.0]] * 3), "picture": pa.array([b"\xff"] * 3)}
GIVEN: dict[str, list[str]] = {
    "croissant": "--table o.parquet --url https://example.org/d --license CC0-1.0 --date 2024-05-01".split(),
    "openlineage": f"--run-id {RUN_ID} --date 2024-05-01T12:00:00Z --namespace file".split(),
    "in-toto": [],
}
PACKAGES = "needs {}: pip install -e '.[integrations]'"


@pytest.fixture
def audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The audit of a table with two label files, in the working folder. A third of its keys has no label."""
    monkeypatch.chdir(tmp_path)
    features = {"clip": ["a", "b", "c"], "x:y é": [1, None, 3], "day": pa.array([1, 2, 3], pa.date32())}
    pq.write_table(pa.table({**features, **OTHER_TYPES}), "f.parquet")
    Path("one.csv").write_text("clip,mos,n_ratings\na,1.5,12\n")
    Path("two.csv").write_text("name,mos_raw_0_100,mos\nb,50,3\nz,25,2\n")
    labels: list[Any] = ["one.csv", {"path": "two.csv", "label_key_column": "name"}]
    return materialize(
        "f.parquet", labels, "o.parquet", "a.json", feature_key_column="clip", label_key_column="clip",
        min_match_rate=0.5, unmatched="u.csv", extras={"n_ratings": "votes"},
    )  # fmt: skip


def export(form: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return moslabels("export", form, "a.json", *arguments, cwd=Path.cwd())


def exported(form: str, *more: str) -> dict[str, Any]:
    done = export(form, *GIVEN[form], *more)
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_a_statement_names_what_was_read_and_written(audit: dict[str, Any]) -> None:
    statement = exported("in-toto")
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "mos-label-materializer:audit-v1"
    assert statement["predicate"]["audit"] == audit == json.loads(Path("a.json").read_text())
    named = [*statement["subject"], *statement["predicate"]["inputs"]]
    assert [(one["name"], one.get("role")) for one in named] == [
        ("o.parquet", None), ("u.csv", None), ("f.parquet", "features"), ("one.csv", "labels"), ("two.csv", "labels"),
    ]  # fmt: skip
    for one in named:
        assert hashlib.sha256(Path(one["name"]).read_bytes()).hexdigest() == one["digest"]["sha256"]


def in_parts() -> dict[str, Any]:
    """Label the same clips as a table of two parts."""
    for number, clips in enumerate((["a", "b"], ["c"])):
        Path("f", str(number)).mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table({"clip": clips}), f"f/{number}/p.parquet")
    return materialize(
        "f", "one.csv", "o", "a.json", feature_key_column="clip", label_key_column="clip", min_match_rate=0.3, workers=1
    )


def test_a_statement_names_each_part(audit: dict[str, Any]) -> None:
    told = in_parts()
    statement = exported("in-toto")
    assert statement["predicate"]["audit"] == told
    named = [*statement["subject"], *statement["predicate"]["inputs"]]
    assert [one["name"] for one in named] == [
        "o/0/p.parquet", "o/1/p.parquet", "f/0/p.parquet", "f/1/p.parquet", "one.csv",
    ]  # fmt: skip
    for one in named:
        assert hashlib.sha256(Path(one["name"]).read_bytes()).hexdigest() == one["digest"]["sha256"]


def test_an_event_has_columns_their_origins_and_the_gates(audit: dict[str, Any]) -> None:
    event = exported("openlineage", "--table", "o.parquet")
    output = event["outputs"][0]
    columns = pq.read_schema("o.parquet")
    assert [field["name"] for field in output["facets"]["schema"]["fields"]] == columns.names
    origins = {
        name: {(one["name"], one["field"], one["transformations"][0]["type"]) for one in lineage["inputFields"]}
        for name, lineage in output["facets"]["columnLineage"]["fields"].items()
    }
    met = {(path, key, "INDIRECT") for path, key in (("f.parquet", "clip"), ("one.csv", "clip"), ("two.csv", "name"))}
    assert list(origins) == sorted(columns.names)
    assert origins["x:y é"] == {("f.parquet", "x:y é", "DIRECT")}
    assert origins["mos"] == {("one.csv", "mos", "DIRECT"), ("two.csv", "mos", "DIRECT"), *met}
    assert origins["mos_raw_0_100"] == {("one.csv", "mos", "DIRECT"), ("two.csv", "mos_raw_0_100", "DIRECT"), *met}
    assert origins["mos_label_status"] == origins["mos_label_source"] == met
    assert origins["votes"] == {("one.csv", "n_ratings", "DIRECT"), *met}
    gates = event["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert [(gate["assertion"], gate["success"], gate["actual"]) for gate in gates] == [
        ("match_rate", True, repr(audit["match_rate"])), ("key_rate", True, "1.0"),
    ]  # fmt: skip
    assert [one["name"] for one in event["inputs"]] == ["f.parquet", "one.csv", "two.csv"]
    assert "schema" not in exported("openlineage")["outputs"][0]["facets"]


def test_a_gate_that_the_numbers_contradict_is_told_as_failed(audit: dict[str, Any]) -> None:
    Path("a.json").write_text(json.dumps({**audit, "min_match_rate": 0.9, "rows_without_key": 2}))
    gates = exported("openlineage")["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert [gate["success"] for gate in gates] == [False, False]


def test_croissant_lists_the_columns_that_it_has_types_for(audit: dict[str, Any]) -> None:
    described = exported("croissant")
    (records,), (file,) = described["recordSet"], described["distribution"]
    assert [(field["name"], field["dataType"]) for field in records["field"]] == [
        ("clip", "sc:Text"), ("x:y é", "sc:Integer"), ("day", "sc:Date"), ("mos", "sc:Float"),
        ("mos_raw_0_100", "sc:Float"), ("mos_label_status", "sc:Text"), ("mos_label_source", "sc:Text"),
        ("votes", "sc:Integer"),
    ]  # fmt: skip
    assert records["description"].endswith("Columns of other types are left out: embedding, picture.")
    assert (file["contentUrl"], file["encodingFormat"]) == ("o.parquet", "application/x-parquet")
    assert file["sha256"] == audit["output_sha256"]
    own = ("--name", "mine", "--creator", "A. B.", "--content-url", "https://example.org/o.parquet", "--citation", "C")
    described = exported("croissant", *own)
    assert (described["name"], described["creator"]["name"], described["citeAs"]) == ("mine", "A. B.", "C")
    assert described["distribution"][0]["contentUrl"] == "https://example.org/o.parquet"


@pytest.mark.parametrize("form", GIVEN)
def test_no_file_that_the_audit_names_is_opened(audit: dict[str, Any], form: str) -> None:
    """A pipe that nobody writes to would be waited for."""
    before = exported(form)
    os.rename("o.parquet", "kept.parquet")
    for path in ("f.parquet", "one.csv", "two.csv", "u.csv", "o.parquet"):
        Path(path).unlink(missing_ok=True)
        os.mkfifo(path)
    done = export(form, *(argument.replace("o.parquet", "kept.parquet") for argument in GIVEN[form]))
    assert (done.returncode, json.loads(done.stdout)) == (0, before)


def edited(**members: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda audit: Path("a.json").write_text(json.dumps({**audit, **members}))


def without_hash(audit: dict[str, Any]) -> None:
    audit["run_provenance"]["inputs"]["labels"][1]["sha256"] = None
    Path("a.json").write_text(json.dumps(audit))


def in_memory(audit: dict[str, Any]) -> None:
    document = join(
        "f.parquet", "one.csv", feature_key_column="clip", label_key_column="clip", min_match_rate=0.1
    ).audit
    Path("a.json").write_text(json.dumps(document))


def of_parts(**members: Any) -> Callable[[dict[str, Any]], Any]:
    def change(_: dict[str, Any]) -> None:
        told = in_parts()
        told["parts"][1].update(members)
        Path("a.json").write_text(json.dumps(told))

    return change


def as_is(audit: dict[str, Any]) -> None:
    pass


REFUSED: dict[str, tuple[Callable[[dict[str, Any]], Any], str, list[str], str]] = {
    "nothing is given": (as_is, "openlineage", [], "openlineage needs run_id: UUID of the run\n"),
    "what the form has no place for": (as_is, "in-toto", ["--url", "u:x"], "in-toto takes no url\n"),
    "no address": (as_is, "croissant", ["--url", "mine"], 'url: must be an address such as .*, not "mine"'),
    "no day": (as_is, "croissant", ["--date", "May"], "date: must be like 2024-05-01 for croissant"),
    "a time without its zone": (as_is, "openlineage", ["--date", "2024-05-01T12:00"], "date: must be like 2"),
    "no UUID": (as_is, "openlineage", ["--run-id", "7"], 'run_id: must be a UUID such as .*, not "7"'),
    "an empty text": (as_is, "croissant", ["--license", " "], "license: is empty"),
    "a table of other bytes": (as_is, "croissant", ["--table", "f.parquet"], "is not the table that"),
    "no such table": (as_is, "croissant", ["--table", "no.parquet"], "no.parquet: there is no such file"),
    "a table that the user names by a URL": (as_is, "croissant", ["--table", "s3://b/o"], "is a URL"),
    "a report": (lambda _: Path("a.json").write_text('{"schema": "mos-label-materializer-batch-v1"}'), "in-toto", [],
                 "a.json: is a report, and an audit is wanted"),
    "a table in memory": (in_memory, "in-toto", [], "a table in memory, so there is no file"),
    "an input without its hash": (without_hash, "in-toto", [], 'no sha256 of the labels "two.csv"'),
    "a hash that is none": (edited(output_sha256="x" * 64), "in-toto", [], 'no sha256 of the output "o.parquet"'),
    "a part without its hash": (of_parts(features_sha256=None), "in-toto", [], "features_sha256 is null"),
    "a part with a hash that is none": (of_parts(sha256="7"), "in-toto", [], 'no sha256 of the output "o/1/p.parquet"'),
    "a part elsewhere": (of_parts(path="../p.parquet"), "in-toto", [], 'its part "../p.parquet" has not the path'),
    "a block of the caller's": (edited(run_provenance={"run": 7}), "openlineage", [], "is not that of moslabels"),
    "a count that is a text": (edited(matched_rows="2"), "openlineage", [], "matched_rows is .*not of the type"),
    "a member that nobody knows": (edited(more=1), "openlineage", [], "more is unknown"),
    "an output that is a folder": (edited(output="x/"), "openlineage", [], 'output "x/" is not the name of a file'),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_wrong_is_refused(audit: dict[str, Any], name: str) -> None:
    spoil, form, arguments, message = REFUSED[name]
    spoil(audit)
    done = export(form, *([] if name == "nothing is given" else GIVEN[form]), *arguments)
    assert (done.returncode in (1, 2), done.stdout) == (True, "")
    assert re.search(message, done.stderr), done.stderr


@pytest.mark.integration
@pytest.mark.filterwarnings("ignore")  # of its own packages
def test_mlcroissant_takes_the_description_and_loads_the_records(audit: dict[str, Any]) -> None:
    mlcroissant = pytest.importorskip("mlcroissant", reason=PACKAGES.format("mlcroissant"))
    described = exported("croissant", "--version", "1.0.0", "--citation", "C")
    Path("croissant.json").write_text(json.dumps(described))
    data = mlcroissant.Dataset("croissant.json")
    assert (data.metadata.ctx.issues.errors, data.metadata.ctx.issues.warnings) == (set(), set())
    rows = [
        {name: value.decode() if isinstance(value, bytes) else value for name, value in row.items()}
        for row in data.records("rows")
    ]
    written = pq.read_table("o.parquet").drop_columns(list(OTHER_TYPES)).to_pylist()
    assert [[str(value).removesuffix(" 00:00:00") for value in row.values()] for row in rows] == [
        [str(value) for value in row.values()] for row in written
    ]


@pytest.mark.integration
def test_the_client_of_openlineage_writes_the_same_event(audit: dict[str, Any]) -> None:
    pytest.importorskip("openlineage.client", reason=PACKAGES.format("openlineage-python"))
    from openlineage.client import event_v2, facet_v2
    from openlineage.client.serde import Serde

    event = exported("openlineage", "--table", "o.parquet")
    event_v2.set_producer(event["producer"])
    facet_v2.set_producer(event["producer"])
    lineage_of, quality, schema = (
        facet_v2.column_lineage_dataset, facet_v2.data_quality_assertions_dataset, facet_v2.schema_dataset,
    )  # fmt: skip
    (output,) = event["outputs"]
    fields = {
        name: lineage_of.Fields(
            [
                lineage_of.InputField(
                    **{**one, "transformations": [lineage_of.Transformation(**two) for two in one["transformations"]]}
                )
                for one in found["inputFields"]
            ]
        )
        for name, found in output["facets"]["columnLineage"]["fields"].items()
    }
    gates = event["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
    counts = output["outputFacets"]["outputStatistics"]
    facets = {
        "columnLineage": lineage_of.ColumnLineageDatasetFacet(fields),
        "schema": schema.SchemaDatasetFacet(
            [schema.SchemaDatasetFacetFields(**field) for field in output["facets"]["schema"]["fields"]]
        ),
    }
    same = event_v2.RunEvent(
        eventType=event_v2.RunState.COMPLETE,
        eventTime=event["eventTime"],
        run=event_v2.Run(RUN_ID),
        job=event_v2.Job("file", event["job"]["name"]),
        inputs=[
            event_v2.InputDataset(
                "file",
                one["name"],
                inputFacets={
                    "dataQualityAssertions": quality.DataQualityAssertionsDatasetFacet(
                        [quality.Assertion(**gate) for gate in gates]
                    )
                }
                if number == 0
                else {},
            )
            for number, one in enumerate(event["inputs"])
        ],
        outputs=[
            event_v2.OutputDataset(
                "file",
                "o.parquet",
                facets=facets,
                outputFacets={
                    "outputStatistics": facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
                        rowCount=counts["rowCount"], size=counts["size"]
                    )
                },
            )
        ],
    )
    assert without_empty(Serde.to_dict(same)) == without_empty(event)


def without_empty(value: Any) -> Any:
    """A document without members that hold nothing, which the client leaves in or out as it likes."""
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: without_empty(item) for name, item in value.items() if item not in (None, {}, [])}


@pytest.mark.integration
def test_the_package_of_in_toto_takes_the_statement(audit: dict[str, Any]) -> None:
    pytest.importorskip("in_toto_attestation", reason=PACKAGES.format("in-toto-attestation"))
    from google.protobuf import json_format
    from in_toto_attestation.v1 import statement_pb2
    from in_toto_attestation.v1.statement import Statement

    found = json_format.Parse(json.dumps(exported("in-toto")), statement_pb2.Statement())
    statement = Statement.copy_from_pb(found)
    statement.validate()
    assert {one.name: dict(one.digest)["sha256"] for one in statement.pb.subject}["o.parquet"] == audit["output_sha256"]
