"""suggest: votes in the place of scores are named, with a command that makes means of them; it is run here."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from helpers.tables import read_table, write_table
from moslabels import TableError, join
from moslabels.suggestions.search import suggest

CLIPS = [f"c{n * 7919 % 4241:04d}_{'abc'[n % 3]}" for n in range(12)]
PEOPLE = range(1, 9)


def vote(n: int, person: int) -> int:
    return 1 + (n * 3 + person * person) % 5


MEANS = {name: sum(vote(n, person) for person in PEOPLE) / len(PEOPLE) for n, name in enumerate(CLIPS)}


def histogram(n: int) -> list[int]:
    votes = [vote(n, person) for person in PEOPLE]
    return [votes.count(step) for step in range(1, 6)]


def long_rows(n: int) -> list[dict[str, Any]]:
    return [{"clip": CLIPS[n], "subject": f"p{person}", "score": vote(n, person)} for person in PEOPLE]


def wide_row(n: int) -> list[dict[str, Any]]:
    return [{"clip": CLIPS[n], **{f"S{person:02d}": vote(n, person) for person in PEOPLE}}]


def sql_of(command: str) -> str:
    """The statement that a shell hands to duckdb."""
    script = f"duckdb() {{ printf '%s' \"$2\"; }}; {command}"
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout


VOTES: list[tuple[str, Callable[[int], list[dict[str, Any]]], str]] = [
    ("l.csv", long_rows, '"score" holds votes, a row for each "clip" and "subject": 96 rows of 12 clips'),
    ("l.parquet", long_rows, '"score" holds votes, a row for each "clip" and "subject"'),
    (
        "l.csv",
        lambda n: [
            {"system": "x", "clip": row["clip"], "choice": row["score"], "listener": row["subject"]}
            for row in long_rows(n)
        ],
        '"choice" holds votes, a row for each "clip" and "listener": 96 rows of 12 clips',
    ),
    ("l.csv", wide_row, '"S01", "S02", "S03" and 5 more are the votes of a person each'),
    ("l.tsv", wide_row, '"S01", "S02", "S03" and 5 more are the votes of a person each'),
    ("l.jsonl", lambda n: [{"clip": CLIPS[n], "label": histogram(n)}], '"label" holds lists of 5 numbers'),
    ("l.parquet", lambda n: [{"clip": CLIPS[n], "label": histogram(n)}], '"label" holds lists of numbers'),
    ("l.csv", lambda n: [{"clip": CLIPS[n], "label": str(histogram(n))}], '"label" holds lists of 5 numbers'),
    ("it's $x.csv", lambda n: [{"clip": CLIPS[n], 'a"b`': str(histogram(n))}], '"a\\"b`" holds lists of 5 numbers'),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("name", "rows", "message"), VOTES, ids=[f"{case[0]} {case[2][:30]}" for case in VOTES])
def test_votes_are_named_and_the_command_makes_means(
    name: str,
    rows: Callable[[int], list[dict[str, Any]]],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_table(Path("f.csv"), [{"clip": name} for name in CLIPS])
    write_table(Path(name), [row for n in range(len(CLIPS)) for row in rows(n)])
    with pytest.raises(TableError) as caught:
        suggest("f.csv", [name])
    said = str(caught.value)
    assert message in said
    assert "moslabels joins one score for each clip" in said
    duckdb.connect().execute(sql_of(said[said.index("duckdb -c ") :]))
    means = f"{Path(name).stem}_mos.csv"
    assert {row["clip"]: float(row["mos"]) for row in read_table(Path(means))} == pytest.approx(MEANS)
    assert {row["mos_n_ratings"] for row in read_table(Path(means))} == {"8"}
    # What the command wrote is a label file.
    found = suggest("f.csv", [means])["suggestions"][0]
    assert found["options"]["label_mos_column"] == "mos"
    assert join("f.csv", found["labels"], **found["options"]).audit["match_rate"] == 1


@pytest.mark.parametrize("kind", [pa.uint8(), pa.decimal128(4, 1), pa.float32()], ids=str)
def test_a_list_of_numbers_of_any_type_holds_votes(kind: pa.DataType, tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.csv", [{"clip": name} for name in CLIPS])
    votes = pa.array([histogram(n) for n in range(len(CLIPS))], pa.list_(kind))
    labels = write_table(tmp_path / "l.parquet", pa.table({"clip": CLIPS, "label": votes}))
    with pytest.raises(TableError, match='"label" holds lists of numbers'):
        suggest(features, [labels])


NO_VOTES: list[tuple[str, Callable[[int], dict[str, Any]]]] = [
    ("a column of who made the clip", lambda n: {"user": f"u{n % 4}", "mos": MEANS[CLIPS[n]]}),
    ("votes beside their mean", lambda n: {**wide_row(n)[0], "mos": MEANS[CLIPS[n]]}),
    ("a histogram beside its mean", lambda n: {"votes": json.dumps(histogram(n)), "MOS": MEANS[CLIPS[n]]}),
    ("the number of people", lambda n: {"n_subjects": 8, "mos": MEANS[CLIPS[n]]}),
]


@pytest.mark.sampled
@pytest.mark.parametrize("columns", [case[1] for case in NO_VOTES], ids=[case[0] for case in NO_VOTES])
def test_a_mean_is_no_vote(columns: Callable[[int], dict[str, Any]], tmp_path: Path) -> None:
    features = write_table(tmp_path / "f.csv", [{"clip": name} for name in CLIPS])
    labels = write_table(tmp_path / "l.csv", [{"clip": name, **columns(n)} for n, name in enumerate(CLIPS)])
    document = suggest(features, [labels])
    assert document["scores"][0]["column"].lower() == "mos"
    assert document["suggestions"][0]["match_rate"] == 1
