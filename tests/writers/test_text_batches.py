"""Text is written in batches of few rows: each is copied a few times on its way, and takes that much memory."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from moslabels import Progress, materialize
from moslabels.sources.batches import text_rows

ROWS = 40_000
LINES = {"csv": ("key\n", "k{}\n"), "jsonl": ("", '{{"key": "k{}"}}\n')}


class Steps(Progress):
    """Notes how many rows were written by now, each time that it is told."""

    def __init__(self) -> None:
        self._now = ""
        self.written = [0]

    def step(self, name: str, total: int = 0, unit: str = "rows", done: int = 0) -> None:  # noqa: ARG002
        self._now = name

    def advance(self, done: int) -> None:
        if self._now == "writing":
            self.written.append(done)


@pytest.mark.parametrize("name", LINES)
def test_text_is_written_in_batches_of_few_rows(tmp_path: Path, name: str) -> None:
    start, line = LINES[name]
    features, labels, steps = tmp_path / f"f.{name}", tmp_path / "l.csv", Steps()
    features.write_text(start + "".join(line.format(row) for row in range(ROWS)))
    labels.write_text("key,mos\n" + "".join(f"k{row},{1 + row % 5}\n" for row in range(ROWS)))
    materialize(features, labels, tmp_path / f"o.{name}", progress=steps)
    assert steps.written[-1] == ROWS
    assert max(after - before for before, after in itertools.pairwise(steps.written)) == text_rows(1) < ROWS
    lines = (tmp_path / f"o.{name}").read_text().splitlines()[bool(start) :]
    assert [line.split(",")[0] for line in lines] == [line.format(row).strip().rstrip("}") for row in range(ROWS)]


def test_wide_tables_are_written_in_batches_of_fewer_rows() -> None:
    assert text_rows(1) > text_rows(500) > text_rows(4_000) > 0
