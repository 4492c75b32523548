"""``--skip-unchanged`` does not believe the counts of an audit that was edited: what can prove them does so."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from helpers.made import copied, working_in
from helpers.tables import write_table
from moslabels import load_manifest, run_batch
from moslabels.base.progress import Progress
from moslabels.evidence.audit import json_text
from moslabels.evidence.run import Run
from moslabels.files.records import file_sha256
from moslabels.runs.unchanged import audit_of_unchanged

KINDS = {"parquet": "o.parquet", "csv": "o.csv", "jsonl": "o.jsonl", "parts": "o"}
CLIPS = ["a", "a", "b", "c", "d", "e", "none", "nil", ""]
UNPROVEN = {
    "clipped_mos_rows",
    "nulled_numbers",
    "key_collisions.count",
    "clipped_histogram",
    "clipped_histogram_by_key",
    "joined_sample",
    "diagnosis",
    "run_provenance",
}
"""Numbers of an audit that nothing but labelling again can tell. Nor can it tell a statistic within its bin."""


def table(kind: str) -> dict[str, Any]:
    features = "parts" if kind == "parts" else "f.parquet"
    more = {"match_rate_by": "corpus", "unmatched": f"{kind}_left.csv"}
    return {
        "id": kind,
        "features": features,
        "labels": ["l.csv"],
        "out": KINDS[kind],
        "audit_json": f"{kind}.json",
        **more,
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    features = pa.table({"key": CLIPS, "corpus": ["A"] * 4 + ["B"] * 5})
    pq.write_table(features, folder / "f.parquet")
    (folder / "parts").mkdir()
    for number, start in enumerate(range(0, len(CLIPS), 3)):
        pq.write_table(features.slice(start, 3), folder / f"parts/{number}.parquet")
    labels = [("a", 1.5), ("a", 1.5), ("b", 2.25), ("c", 3.125), ("d", 4.4), ("e", 5.1), ("u", 2), ("", 2), ("v", "")]
    write_table(folder / "l.csv", [{"key": key, "mos": mos} for key, mos in labels])
    defaults = {
        "min_match_rate": 0.4,
        "out_of_range": "clip",
        "max_clipped": 1,
        "missing_mos": "skip",
        "mos_scale": "1-5",
    }
    (folder / "m.json").write_text(json.dumps({"defaults": defaults, "tables": [table(kind) for kind in KINDS]}))
    with working_in(folder):
        assert run_batch("m.json")["status"] == "ok"
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return copied(made, tmp_path, monkeypatch)


class Noted(Progress):
    """Keeps what a run notes."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def note(self, text: str) -> None:
        self.texts.append(text)


def is_believed(kind: str, document: Mapping[str, Any]) -> bool:
    Path(f"{kind}.json").write_text(json_text(dict(document)))
    (spec,) = (spec for spec in load_manifest("m.json").tables if spec.id == kind)
    return audit_of_unchanged(spec, Run()) is not None


def audit(kind: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(Path(f"{kind}.json").read_text())
    return document


def numbers(value: Any, *place: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the places of all numbers in a document."""
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(inner, *place, name)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place


@pytest.mark.parametrize("kind", list(KINDS))
def test_no_number_that_was_edited_is_believed(folder: Path, kind: str) -> None:
    document = audit(kind)
    assert is_believed(kind, document)
    believed = set()
    for *place, name in numbers(document):
        holder = reduce(lambda value, name: value[name], place, document)
        before = holder[name]
        holder[name] = before + 1 if isinstance(before, int) else before - 1 if before > 1 else before / 2
        if is_believed(kind, document):
            whole = ".".join(str(one) for one in (*place, name))
            believed |= {known for known in UNPROVEN if whole == known or whole.startswith(f"{known}.")} or {whole}
        holder[name] = before
    assert believed <= UNPROVEN


def forged(document: dict[str, Any]) -> None:
    """One row less has a label, in each place that tells of it."""
    document["matched_rows"] -= 1
    document["missing_rows"] += 1
    document["mos_histogram"][2] -= 1


OTHER: dict[str, Callable[[dict[str, Any]], Any]] = {
    "fewer rows with a label": forged,
    "more labels": lambda d: (
        d.update(labels_loaded=d["labels_loaded"] + 1, duplicate_labels=d["duplicate_labels"] - 1),
        d["unused_label_keys"].update(count=d["unused_label_keys"]["count"] + 1, sample=["u", "v"]),
    ),
    "another key column": lambda d: d.update(feature_key_column="corpus"),
    "other features": lambda d: (
        d["parts"][0].update(features_sha256="0" * 64)
        if "parts" in d
        else d["run_provenance"]["inputs"]["features"].update(sha256="0" * 64)
    ),
}


@pytest.mark.parametrize("what", list(OTHER))
@pytest.mark.parametrize("kind", ["parquet", "parts"])
def test_what_agrees_with_itself_alone_is_not_believed_if_the_output_has_evidence(
    folder: Path, kind: str, what: str
) -> None:
    document = audit(kind)
    OTHER[what](document)
    assert not is_believed(kind, document)


def test_counts_that_no_table_has_are_not_believed(folder: Path) -> None:
    document, huge = audit("csv"), 10**400
    document.update(input_rows=2 * huge, output_rows=2 * huge, matched_rows=huge, missing_rows=huge)
    document["mos_histogram"] = [huge, *[0] * 19]
    assert not is_believed("csv", document)


def test_an_output_that_lost_its_evidence_is_labelled_again(folder: Path) -> None:
    document = audit("parquet")
    pq.write_table(pq.read_table("o.parquet").replace_schema_metadata(None), "o.parquet")
    document.update(output_sha256=file_sha256("o.parquet"), output_bytes=os.path.getsize("o.parquet"))
    assert not is_believed("parquet", document)


@pytest.mark.parametrize("kind", list(KINDS))
def test_an_edited_audit_is_written_anew_and_that_is_told(folder: Path, kind: str) -> None:
    before, document = Path(f"{kind}.json").read_bytes(), audit(kind)
    document["match_rate"] = 0.9
    Path(f"{kind}.json").write_text(json_text(document))
    noted = Noted()
    tables = run_batch("m.json", skip_unchanged=True, progress=noted)["tables"]
    assert {one["id"]: one["status"] for one in tables} == dict.fromkeys(KINDS, "unchanged") | {kind: "ok"}
    assert audit(kind)["match_rate"] == json.loads(before)["match_rate"]
    says = f"labelled again, because {kind}.json is not believed: match_rate: says 0.9, is 0.7142857142857143"
    assert noted.texts[0] == says
    assert {one["status"] for one in run_batch("m.json", skip_unchanged=True)["tables"]} == {"unchanged"}
