"""Contract 3: a line that DuckDB would leave out without a word is refused, however long the file is."""

from __future__ import annotations

from pathlib import Path

import pytest

from helpers.tables import write_table
from moslabels import TableError, materialize
from moslabels.sources.long_lines import MOST_OF_A_LINE, check_lines

MEBIBYTE = 1 << 20


def text_of(path: Path, *pieces: bytes | int) -> Path:
    """Write a text of pieces, in which a number stands for so many bytes without a line end: a hole in the file."""
    with path.open("wb") as stream:
        for piece in pieces:
            if isinstance(piece, int):
                stream.truncate(stream.tell() + piece)
                stream.seek(0, 2)
            else:
                stream.write(piece)
    return path


TOO_LONG: dict[str, tuple[list[bytes | int], int]] = {
    "the first line": ([b"a", MOST_OF_A_LINE, b"\nb\n"], 1),
    "the last line, without an end": ([b"a\nb\n", MOST_OF_A_LINE + 1], 3),
    "between two lines": ([b"a\n", 40 * MEBIBYTE, b"\n", 65 * MEBIBYTE, b"\nc\n"], 3),
    "with carriage returns": ([b"a\r\n", 200 * MEBIBYTE, b"\r\nc\r\n"], 2),
    "of gigabytes": ([b"a\n", 3 << 30, b"\n"], 2),
}


@pytest.mark.parametrize("case", TOO_LONG)
def test_a_line_that_is_too_long_is_told(tmp_path: Path, case: str) -> None:
    pieces, line = TOO_LONG[case]
    with pytest.raises(TableError, match=rf"^l\.csv: a line is longer than 64 MiB \(line {line}\)"):
        check_lines("l.csv", str(text_of(tmp_path / "file", *pieces)))


SHORT: dict[str, list[bytes | int]] = {
    "nothing": [],
    "one line of the greatest length": [MOST_OF_A_LINE],
    "lines of the greatest length": [b"a\n", MOST_OF_A_LINE, b"\n", MOST_OF_A_LINE, b"\n", MOST_OF_A_LINE],
    "lines of nearly that": [*(3 * [60 * MEBIBYTE, b"\n"]), 60 * MEBIBYTE],
    "carriage returns alone": [*(5 * [33 * MEBIBYTE, b"\r"])],
}


@pytest.mark.parametrize("case", SHORT)
def test_lines_that_are_short_enough(tmp_path: Path, case: str) -> None:
    check_lines("l.csv", str(text_of(tmp_path / "file", *SHORT[case])))


@pytest.mark.parametrize("name", ["l.jsonl", "l.csv", "whitespace.csv"])
def test_a_label_of_such_a_line_is_not_left_out(tmp_path: Path, name: str) -> None:
    """DuckDB would read one label, and the table would be labelled."""
    before, after = {
        "l.jsonl": (b'{"key": "a", "mos": 3}\n{"key": "b", "x": "', b'"}\n'),
        "l.csv": (b"key,mos,x\na,3,1\nb,,", b"\n"),
        "whitespace.csv": (b"key mos x\na 3 1\nb 4 ", b"\n"),
    }[name]
    write_table(tmp_path / "f.csv", [{"key": "a"}])
    with (tmp_path / name).open("wb") as stream:
        stream.writelines([before, *(130 * [b"x" * MEBIBYTE]), after])
    options = {"label_csv": "whitespace"} if name == "whitespace.csv" else {}
    with pytest.raises(TableError, match="a line is longer than 64 MiB"):
        materialize(tmp_path / "f.csv", tmp_path / name, tmp_path / "o.csv", **options)  # type: ignore[arg-type]
    assert not (tmp_path / "o.csv").exists()
