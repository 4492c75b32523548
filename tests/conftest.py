"""What all tests share: writing small tables, labelling them, reading them back."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, reduce
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from moslabels import audit, materialize, report
from moslabels.audit import json_text
from moslabels.schema import SCHEMAS

Rows = list[dict[str, Any]]


def write_table(path: Path, content: Any) -> Path:
    """Write rows (dicts), an Arrow table, text or bytes in the format of the suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif isinstance(content, str):
        path.write_bytes(content.encode("utf-8"))
    elif path.suffix in (".parquet", ".pq"):
        pq.write_table(content if isinstance(content, pa.Table) else pa.Table.from_pylist(content), path)
    elif path.suffix in (".jsonl", ".ndjson"):
        path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    elif path.suffix == ".json":
        path.write_text(json.dumps({"rows": content}), encoding="utf-8")
    else:
        with path.open("w", encoding="utf-8", newline="") as stream:
            delimiter = "\t" if path.suffix == ".tsv" else ","
            writer = csv.DictWriter(stream, list(content[0]), delimiter=delimiter, lineterminator="\n")
            writer.writeheader()
            writer.writerows(content)
    return path


def read_table(path: Path) -> Rows:
    """Read any format back as dicts; CSV cells as text."""
    if path.suffix in (".parquet", ".pq"):
        return pq.ParquetFile(path).read().to_pylist()
    if path.suffix in (".jsonl", ".ndjson"):
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    if path.suffix == ".json":
        return json.loads(path.read_text(encoding="utf-8"))["rows"]
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t" if path.suffix == ".tsv" else ","))


class Job:
    """A feature table and label tables in a folder of their own, and what came of labelling them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.audit: dict[str, Any] = {}
        self.out = folder / "out.jsonl"

    def run(
        self,
        features: Any,
        labels: Any,
        *,
        features_name: str = "features.jsonl",
        labels_name: str = "labels.jsonl",
        out_name: str | None = None,
        **options: Any,
    ) -> Rows:
        """Label, and return the rows of the output. ``labels`` is the content of a file, or of several by name."""
        files: Mapping[str, Any] = labels if isinstance(labels, Mapping) else {labels_name: labels}
        paths = [write_table(self.folder / name, content) for name, content in files.items()]
        source = write_table(self.folder / features_name, features)
        self.out = self.folder / (out_name or "out.jsonl")
        self.audit = materialize(source, paths, self.out, **options)
        return read_table(self.out)


@pytest.fixture(autouse=True)
def every_document_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every audit and every report that a test has made validates against its published schema."""
    for module, schema in ((audit, schema_of("audit")), (report, schema_of("report"))):

        def build_valid(*arguments: Any, build: Any = module.build, schema: Any = schema, **keywords: Any) -> Any:
            document = build(*arguments, **keywords)
            schema.validate(document)
            return document

        monkeypatch.setattr(module, "build", build_valid)


@cache
def schema_of(kind: str) -> jsonschema.Draft202012Validator:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[kind]())
    return jsonschema.Draft202012Validator(SCHEMAS[kind]())


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


@pytest.fixture
def mos_of(job: Job) -> Callable[..., dict[str, Any]]:
    """Label one row per key given, and return the mos of each."""

    def run(keys: Iterable[Any], labels: Any, **options: Any) -> dict[str, Any]:
        options.setdefault("min_match_rate", 0)
        rows = job.run([{"key": key} for key in keys], labels, **options)
        return {row["key"]: row["mos"] for row in rows}

    return run


WAYS: dict[str, tuple[Callable[[Any, Any], Any], Any]] = {
    "left out": (lambda holder, name: holder.pop(name), object),
    "null": (lambda holder, name: holder.__setitem__(name, None), object),
    "an object": (lambda holder, name: holder.__setitem__(name, {}), object),
    "a list": (lambda holder, name: holder.__setitem__(name, ["x"]), dict | list),
    "huge": (lambda holder, name: holder.__setitem__(name, 10**30), int | float),
}
"""Ways to change a member, each with the types of the members that it is tried on."""


def mutants(document: Any) -> Iterator[tuple[tuple[Any, ...], str, Any]]:
    """A document with each of its members in turn left out or replaced: of like items of a list, the first."""

    def places(value: Any, *place: Any) -> Iterator[tuple[Any, ...]]:
        items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))[:1]
        for name, inner in items:
            yield (*place, name)
            if isinstance(inner, dict | list):
                yield from places(inner, *place, name)

    for place in places(document):
        for way, (change, of) in WAYS.items():
            before = reduce(lambda value, name: value[name], place, document)
            if not isinstance(before, of):
                continue
            mutant = json.loads(json_text(document))
            change(reduce(lambda value, name: value[name], place[:-1], mutant), place[-1])
            if mutant != document:
                yield place, way, mutant
