"""The examples of a proposed entry: three values of the data that differ, with the keys that they get."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from helpers.command import moslabels
from helpers.tables import write_table
from moslabels import materialize, run_batch
from moslabels.suggestions.search import suggest

NAMES = [f"{'x' * (n % 5)}/clip_{10_000_019 + 7919 * n * n}_{'a' * n}.mp4" for n in range(30)]
IDS = [name.split("_")[1] for name in NAMES]
LABELS = [{"flickr_id": text, "mos": 1.5 + n / 10} for n, text in enumerate(IDS)]


def entry(folder: Path, features: Any, labels: Any = LABELS, name: str = "f.csv") -> dict[str, Any]:
    """The entry that is proposed first. It labels the table as it stands there."""
    found = suggest(write_table(folder / name, features), [write_table(folder / "l.csv", labels)])
    proposed: dict[str, Any] = found["suggestions"][0]["manifest"]
    manifest = {"tables": [proposed], "defaults": {"min_match_rate": 0.5}}
    report = run_batch(write_table(folder / "m.json", json.dumps(manifest)))
    assert report["status"] == "ok"
    return proposed


def test_they_are_the_shortest_the_longest_and_one_without_a_key(tmp_path: Path) -> None:
    rows = [{"path": name} for name in [*NAMES, "notes.txt", " "] for _ in range(2)]
    proposed = entry(tmp_path, rows)
    by_length = sorted(NAMES, key=lambda name: (len(name), name))
    assert proposed["examples"] == {
        by_length[0]: by_length[0].split("_")[1],
        by_length[-1]: by_length[-1].split("_")[1],
        "notes.txt": None,
    }


def test_if_all_have_a_key_one_lies_between(tmp_path: Path) -> None:
    proposed = entry(tmp_path, [{"path": name} for name in NAMES])
    by_length = sorted(NAMES, key=lambda name: (len(name), name))
    assert list(proposed["examples"]) == [by_length[0], by_length[-1], by_length[14]]


@pytest.mark.parametrize("name", ["f.csv", "f.jsonl", "f.parquet"])
def test_of_several_columns_they_are_lists(tmp_path: Path, name: str) -> None:
    rows = [{"corpus": corpus, "clip": f"{n:02}"} for corpus in ("é one", "two") for n in range(20)]
    labels = [{**row, "mos": 1 + n / 10} for n, row in enumerate(rows)]
    examples = entry(tmp_path, rows, labels, name)["examples"]
    assert len(examples) == 3
    for value, key in examples.items():
        assert json.loads(value) == key


def test_numbers_are_written_as_they_are_keys(tmp_path: Path) -> None:
    numbers = pa.array([float(text) for text in IDS])
    examples = entry(tmp_path, pa.table({"id": numbers}), name="f.parquet")["examples"]
    assert list(examples) == list(examples.values())
    assert set(examples) <= set(IDS)


def test_what_could_be_two_values_is_not_an_example(tmp_path: Path) -> None:
    """A JSON column holds a number and the text of it, which is another key."""
    rows = [{"id": int(IDS[0])}, *({"id": text} for text in IDS), {"id": "1.0"}]
    examples = entry(tmp_path, "".join(f"{json.dumps(row)}\n" for row in rows), name="f.jsonl")["examples"]
    assert len(examples) == 2
    assert "1.0" not in examples


def test_a_long_text_is_not_an_example(tmp_path: Path) -> None:
    rows = [{"path": name} for name in [*NAMES, f"{'y' * 300}_{IDS[0]}.mp4"]]
    assert max(map(len, entry(tmp_path, rows)["examples"])) < 100


def test_init_writes_them_and_they_catch_a_rule_that_was_changed(tmp_path: Path) -> None:
    write_table(tmp_path / "f.csv", [{"path": name} for name in NAMES])
    write_table(tmp_path / "l.csv", LABELS)
    assert moslabels("init", "--features", "f.csv", "--labels", "l.csv", cwd=tmp_path).returncode == 0
    document = json.loads((tmp_path / "manifest.json").read_text(encoding="utf-8"))
    (table,) = document["tables"]
    assert len(table["examples"]) == 3
    assert moslabels("batch", "manifest.json", "--dry-run", cwd=tmp_path).returncode == 0
    table |= {"feature_key_regex": "^([^_]+)", "min_match_rate": 0}
    (tmp_path / "manifest.json").write_text(json.dumps(document), encoding="utf-8")
    done = moslabels("batch", "manifest.json", cwd=tmp_path)
    assert done.returncode == 1
    assert "3 of 3 examples do not give the key that they must give" in done.stderr


def test_the_options_alone_are_the_rule(tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.csv", [{"path": name} for name in NAMES])
    labels = write_table(tmp_path / "l.csv", LABELS)
    best = suggest(features, [labels])["suggestions"][0]
    assert "examples" not in best["options"]
    audit = materialize(features, best["labels"], tmp_path / "o.csv", **best["options"])
    assert audit["match_rate"] == 1
