"""suggest: the score column, its scale and its direction in label files as labs ship them; what is not sure is said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from helpers.tables import Rows, write_table
from moslabels import TableError, run_batch
from moslabels.suggestions.search import suggest

CLIPS = 60


def clip(n: int) -> str:
    """A name that says nothing of n."""
    return f"vx-{hashlib.sha256(b'%d' % n).hexdigest()[:10]}.mp4"


def at(n: int, low: float, high: float, steps: int = CLIPS - 1) -> float:
    """A number that goes from low to high and jumps about, the ends included."""
    return round(low + (high - low) * ((n * 37) % CLIPS) / steps, 3)


@dataclass
class Shape:
    """A label file: what it has beside the clip, its name, and what is expected.

    ``expected`` are options, None for those that must not be there; ``notes`` are said and stand in the entry;
    ``status`` is that of a batch with the entry as it is printed, and ``mos`` the greatest score of its output.
    """

    name: str
    columns: Callable[[int], dict[str, Any]]
    expected: dict[str, Any]
    notes: Sequence[str] = ()
    file: str = "l.csv"
    status: str = "ok"
    mos: float | None = None
    clips: Callable[[int], str] = field(default=clip)


def beside_a_spread(spread: str) -> Shape:
    return Shape(
        f"silent: a spread named {spread}",
        lambda n: {spread: at(n, 0.3, 1.2), "mos": at(n, 1.3, 4.7)},
        {"label_mos_column": "mos", "mos_scale": "1-5"},
    )


SHAPES = [
    Shape(
        "silent: MOS, 1-5, with its spread",
        lambda n: {"MOS": at(n, 1.2, 4.8), "SD": at(n + 7, 0.3, 1.1)},
        {"label_mos_column": "MOS", "mos_scale": "1-5"},
        mos=4.8,
    ),
    Shape(
        "silent: MOS on 0-100, with its number of votes",
        lambda n: {"mos": at(n, 6, 94), "c_total": 20 + n % 5},
        {"label_mos_column": "mos", "mos_scale": "0-100"},
    ),
    *map(beside_a_spread, ("std", "SD", "MOS-STD", "stdFull", "std_quality", "sos", "CI", "mos_ci95")),
    Shape(
        "a score whose only other column is its spread",
        lambda n: {"MOS-STD": at(n, 0.3, 1.2), "quality_mean": at(n, 1.3, 4.7)},
        {"label_mos_column": "quality_mean", "mos_scale": "1-5"},
    ),
    Shape(
        "several scores: SIG, BAK, OVR",
        lambda n: {"SIG": at(n, 1.3, 4.9), "BAK": at(n, 1.4, 4.6), "OVR": at(n, 1.1, 4.5)},
        {"label_mos_column": "OVR"},
        ['"OVR" (1.1 to 4.5) was chosen', '"SIG" (1.3 to 4.9)', '"BAK" (1.4 to 4.6)'],
    ),
    Shape(
        "several scores: technical, aesthetic, overall",
        lambda n: {"technical": at(n, 1.3, 4.9), "aesthetic": at(n, 1.4, 4.6), "overall": at(n, 1.1, 4.5)},
        {"label_mos_column": "overall"},
        ['"technical" (1.3 to 4.9)', '"aesthetic" (1.4 to 4.6)'],
    ),
    Shape(
        "several scores: the whole and its chunks",
        lambda n: {"MOSChunk00": at(n, 1.3, 4.9), "MOSFull": at(n, 1.1, 4.5)},
        {"label_mos_column": "MOSFull"},
        ['could be the scores: "MOSChunk00" (1.3 to 4.9)'],
    ),
    Shape(
        "MOS is one judge's whole number beside MEAN",
        lambda n: {"MOS": 1 + n % 5, "MEAN": at(n, 1.2, 4.8)},
        {"label_mos_column": "MEAN", "mos_scale": "1-5"},
        ['"MEAN" (1.2 to 4.8) was chosen', '"MOS" (1 to 5)'],
    ),
    Shape(
        "no names: duration, frame rate, spread, score",
        lambda n: {
            "a": at(n, 5.1, 12.9),
            "b": (24, 29.97, 30, 59.94)[n % 4],
            "c": at(n, 0.2, 1.4),
            "d": at(n, 1.2, 4.8),
        },
        {"label_mos_column": "d", "mos_scale": "1-5"},
        ['"d" (1.2 to 4.8) was chosen by its numbers', '"a" (5.1 to 12.9)', '"b" (24 to 59.94)', '"c" (0.2 to 1.4)'],
    ),
    Shape(
        "no names: a spread that looks like 1 to 5, and a score out of 100",
        lambda n: {"a": at(n, 1.1, 2.6), "b": at(n, 8.5, 92.5)},
        {"label_mos_column": "b", "mos_scale": "0-100"},
        ['"b" (8.5 to 92.5) was chosen by its numbers', '"a" (1.1 to 2.6)'],
    ),
    Shape(
        "a little beyond 1-5",
        lambda n: {"MOS": at(n, 1.38, 4.9) if n != 7 else 5.26},
        {"mos_scale": "1-5", "out_of_range": "clip"},
        ["scores beyond 1-5: 1 of 60, all being from 1.38 to 5.26;"],
        mos=5,
    ),
    Shape(
        "a little below 0",
        lambda n: {"MOS": at(n, 6.5, 93.4) if n else -6.5},
        {"mos_scale": "0-100", "out_of_range": "clip"},
        ["scores beyond 0-100: 1 of 60, all being from -6.5 to 93.4;"],
    ),
    Shape(
        "a little above 100",
        lambda n: {"score": at(n, 1.4, 99) if n != 7 else 109.2},
        {"mos_scale": "0-100", "out_of_range": "clip"},
        ["scores beyond 0-100: 1 of 60, all being from 1.4 to 109.2;"],
        mos=5,
    ),
    Shape(
        "more beyond 0-100 than may be clipped",
        lambda n: {"MOS": at(n, 6, 104.2) if n % 8 else 104.2},
        {"mos_scale": None, "out_of_range": None},
        ["are a little beyond 0-100, more than max_clipped 0.05", 'out_of_range "clip" and max_clipped 0.'],
        status="failed",
    ),
    Shape(
        "a scale for each row",
        lambda n: {
            "mos_native": at(n, 1.2, 4.8) if n % 2 else at(n, 6, 94),
            "mos_native_scale": "1-5" if n % 2 else "0-100",
        },
        {"label_mos_column": "mos_native", "mos_scale": None, "mos_scale_column": "mos_native_scale"},
        ['"mos_native_scale" says the scale of each row, such as "0-100", "1-5": confirm'],
    ),
    Shape(
        "MOS of whole numbers from 1 to 5 only",
        lambda n: {"MOS": 1 + n % 5},
        {"label_mos_column": "MOS", "mos_scale": "1-5"},
        ['"MOS" holds whole numbers only: confirm that they are means and not votes'],
    ),
    Shape(
        "z-scores",
        lambda n: {"mos": at(n, -1.5, 1.4)},
        {"mos_scale": None, "out_of_range": None},
        [
            "around 0: they seem to be z-scores",
            '{"worst": -3, "best": 3}: then -3 becomes 1, 0 becomes 3, and 3 becomes 5',
        ],
        status="failed",
    ),
    Shape(
        "0 to 1", lambda n: {"mos": at(n, 0.02, 0.97)}, {"mos_scale": {"worst": 0, "best": 1}}, ["confirm the bounds"]
    ),
    Shape("0 to 9", lambda n: {"mos": at(n, 0, 9)}, {"mos_scale": None}, ["No scale is proposed"], status="failed"),
    Shape(
        "Elo", lambda n: {"quality": at(n, 1280, 1530)}, {"mos_scale": None}, ["No scale is proposed"], status="failed"
    ),
    Shape(
        "MOS of at most 45", lambda n: {"mos": at(n, 12, 45)}, {"mos_scale": "0-100"}, ["greatest score is 45: confirm"]
    ),
    Shape(
        "a column dmos",
        lambda n: {"dmos": at(n, 8, 84)},
        {"mos_scale": {"worst": 100, "best": 0}},
        ["the name of the column says differential scores (DMOS)", "confirm that the least score is the best"],
    ),
    Shape(
        "a column dmos on 1-5",
        lambda n: {"DMOS": at(n, 1.1, 4.9)},
        {"mos_scale": "1-5"},
        ["the name of the column says differential scores (DMOS)", 'write mos_scale {"worst": 5, "best": 1}'],
    ),
    Shape(
        "DMOS by the file's name",
        lambda n: {"score": at(n, 8, 84)},
        {"mos_scale": {"worst": 100, "best": 0}},
        ["the name of the file says differential scores (DMOS)"],
        file="lab_dmos.csv",
    ),
    Shape(
        "MOS in a file of DMOS is not turned",
        lambda n: {"MOS": at(n, 8, 84)},
        {"mos_scale": "0-100"},
        ["the name of the file says differential scores (DMOS): confirm that a high score"],
        file="dmos_and_mos.csv",
    ),
    Shape(
        "a score of which the best may be at the low end",
        lambda n: {"gt_score": at(n, 8, 84)},
        {"mos_scale": "0-100"},
        ["does not say which end is best"],
    ),
    Shape(
        "references hold the least score",
        lambda n: {"mos": 0 if n < 6 else at(n, 8, 84)},
        {"mos_scale": "0-100"},
        ["clips named like references hold the least score, 0: confirm the direction"],
        clips=lambda n: f"i{n:02d}_ref_{clip(n)}" if n < 6 else clip(n),
    ),
    Shape(
        "a few scores below 0 may be differences",
        lambda n: {"mean_score": -1.5 if n < 2 else at(n, 8, 84)},
        {"mos_scale": "0-100", "out_of_range": "clip"},
        ["scores below 0 may be differences to a reference (DMOS), of which the least is the best one"],
    ),
    Shape(
        "-1 is a placeholder",
        lambda n: {"MOS": -1 if n < 9 else at(n, 1.2, 4.8)},
        {"mos_scale": "1-5", "missing_mos": "skip", "missing_values": ["-1"]},
        ["9 rows have no score", '"-1" seems to stand for no score'],
        status="failed",
    ),
    Shape(
        "0.001 is a placeholder",
        lambda n: {"MOS": 0.001 if n < 2 else at(n, 1.2, 4.8)},
        {"mos_scale": "1-5", "missing_mos": "skip", "missing_values": ["0.001"]},
        ['"0.001" seems to stand for no score'],
    ),
]


def files(shape: Shape, folder: Path) -> tuple[Path, Path]:
    """Features and labels of a shape, the labels in another order."""
    features = [{"video": shape.clips(n), "y": n / 7} for n in range(CLIPS)]
    order = [(n * 23) % CLIPS for n in range(CLIPS)]
    labels = [{"video": shape.clips(n), **shape.columns(n)} for n in order]
    return write_table(folder / "f.parquet", features), write_table(folder / shape.file, labels)


@pytest.mark.sampled
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_the_score_and_its_scale(shape: Shape, tmp_path: Path) -> None:
    features, labels = files(shape, tmp_path)
    document = suggest(features, [labels])
    first = document["suggestions"][0]
    assert {name: first["options"].get(name) for name in shape.expected} == shape.expected
    notes = document["scores"][0]["confirm"]
    assert all(any(text in note for note in notes) for text in shape.notes), notes
    assert bool(shape.notes) == bool(notes), notes
    entry = {**first["manifest"], "min_match_rate": 0.96}
    assert set(notes) <= set(entry.get("confirm", []))
    report = run_batch(write_table(tmp_path / "m.json", json.dumps({"tables": [entry]})))
    table = report["tables"][0]
    assert report["status"] == shape.status, table
    assert all(f"to confirm: {note}" in " ".join(table.get("warnings", [])) for note in notes)
    if shape.mos is not None:
        audit = json.loads(Path(entry["audit_json"]).read_text(encoding="utf-8"))
        assert audit["mos_stats"]["max"] == shape.mos


def no_score(folder: Path, rows: Rows, name: str = "l.csv") -> str:
    """What is said of a label file that has no scores."""
    features = write_table(folder / "f.csv", [{"video": clip(n)} for n in range(CLIPS)])
    with pytest.raises(TableError) as caught:
        suggest(features, [write_table(folder / name, rows)])
    assert caught.value.code == "no-column"
    return str(caught.value)


EMPTY: list[tuple[str, Callable[[int], dict[str, Any]], str]] = [
    (
        "no score at all",
        lambda n: {"MOS": "", "std": at(n, 0.1, 0.9)},
        '"MOS" is named like the scores, and is empty in all 60 rows',
    ),
    (
        "beside other numbers",
        lambda n: {"MOS": "", "x": at(n, 1.1, 4.9)},
        '"MOS" is named like the scores, and is empty',
    ),
    ("-1 for all", lambda _: {"MOS": -1}, "holds -1 in all 60 rows that have a number, which is a placeholder"),
    (
        "0.001 for all",
        lambda _: {"mos": 0.001},
        "holds 0.001 in all 60 rows that have a number, which is a placeholder",
    ),
]


@pytest.mark.sampled
@pytest.mark.parametrize(("columns", "message"), [case[1:] for case in EMPTY], ids=[case[0] for case in EMPTY])
def test_a_score_column_without_scores(columns: Callable[[int], dict[str, Any]], message: str, tmp_path: Path) -> None:
    assert message in no_score(tmp_path, [{"video": clip(n), **columns(n)} for n in range(CLIPS)])
