"""How a CSV file is written: its encoding, its delimiter, whether it has a header; from the shape of the whole file.

What is found is proposed, with the evidence. Nobody but ``suggest`` and ``init`` looks for it: labelling does what its
options say.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moslabels.base.text import counted, short, shown
from moslabels.sources.csv_file import CsvFile
from moslabels.sources.opening import reader_of
from moslabels.sources.packed import open_unpacked
from moslabels.sources.whole_file import WholeFile
from moslabels.spec.dialect import WHITESPACE, merges
from moslabels.suggestions.ways import MEDIA

_MOST_BYTES = 64 << 20  # that are looked at; a longer file is judged by its beginning
_NEARLY_ALL = 0.9
_DELIMITERS = (",", ";", "\t", "|")
_NUMBER = re.compile(r"[+-]?([0-9]+([.,][0-9]*)?|[.,][0-9]+)([eE][+-]?[0-9]+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+")
_NO_VALUE = re.compile(r"(?i)|-|nan|na|n/a|null|none")


@dataclass(frozen=True)
class FoundDialect:
    """The options that a CSV file needs, those that were given among them, and what speaks for those that were not.

    ``records`` counts those of the file that are not blank, the header among them; None if not all were looked at.
    """

    options: Mapping[str, Any]
    evidence: tuple[str, ...] = ()
    confirm: tuple[str, ...] = ()
    records: int | None = None

    @property
    def has_header(self) -> bool:
        return bool(self.options.get("header", "column_names" not in self.options))

    def document(self, path: str, role: str, rows: int | None) -> dict[str, Any]:
        """Return how a file is read, as JSON values. ``rows`` were read of it, None if nobody counted."""
        evidence, confirm = list(self.evidence), list(self.confirm)
        if rows is not None and self.records is not None:
            count = counted(self.records, "line", "lines")
            header = "a header and " if self.has_header else ""
            if rows + self.has_header == self.records:
                evidence.append(f"{count}: {header}{counted(rows, 'row', 'rows')}")
            else:
                confirm.append(
                    f"{count}, and {header}{counted(rows, 'row', 'rows')} were read: what became of the others?"
                )
        option = f"{role}_csv"
        return {
            "path": path,
            "options": {option: dict(self.options)} if self.options else {},
            "evidence": evidence,
            "confirm": confirm,
        }


@dataclass(frozen=True)
class _Split:
    """A delimiter, of which a run may be one."""

    delimiter: str
    is_merged: bool = False

    def options(self, usual: str) -> dict[str, Any]:
        """Return the options that say it, none of them if it is the usual one."""
        if self == _Split(usual):
            return {}
        is_told = self.is_merged and self.delimiter != WHITESPACE
        return {"delimiter": self.delimiter, **({"merge_delimiters": True} if is_told else {})}


def find_dialect(path: str, given: Mapping[str, Any]) -> FoundDialect | None:
    """Return how a CSV file is written; None for another format, or if it cannot be read: opening it says why."""
    reader = reader_of(path)
    if isinstance(reader, WholeFile) and given:
        return FoundDialect(dict(given), (), (), None)
    if not isinstance(reader, CsvFile):
        return None
    try:
        with open_unpacked(path) as stream:
            content = stream.read(_MOST_BYTES + 1)
    except OSError:
        return None
    options = dict(given)
    evidence: list[str] = []
    confirm: list[str] = []
    is_whole = len(content) <= _MOST_BYTES
    encoding, why = _encoding(content, is_whole) if "encoding" not in given else (given["encoding"], "")
    text = content.decode("utf-8-sig" if encoding == "utf-8" else encoding, "replace")
    if why:
        options["encoding"] = encoding
        (confirm if encoding == "latin-1" else evidence).append(f"encoding {encoding}: {why}")
    usual = reader.delimiter
    split = _Split(given.get("delimiter", usual), merges(given))
    if not {"delimiter", "merge_delimiters"} & {*given}:
        split, why = _delimiter(text, usual)
        if found := split.options(usual):
            options.update(found)
            runs = "runs of " if split.is_merged else ""
            evidence.append(f"delimiter {runs}{shown(split.delimiter)}: {why}")
    rows = list(_rows(text, split))
    if "decimal" not in given and (cell := _decimal_comma(rows)):
        options["decimal"] = ","
        evidence.append(f'decimal ",": numbers are written like {shown(cell)}')
    if not {"header", "column_names"} & {*given}:
        judged = _is_data(rows)
        if judged is not False and rows:
            cells = [cell.strip() for cell in rows[0][:6]]
            why = short(", ".join(cell if _is_number(cell) else shown(cell) for cell in cells))
            if judged:
                options["header"] = False
                evidence.append(f"header false: row 1 reads like data: {why}")
            else:
                confirm.append(f"is row 1 a header, or a label? It is taken as a header: {why}")
    return FoundDialect(options, tuple(evidence), tuple(confirm), len(rows) if is_whole else None)


def _encoding(content: bytes, is_whole: bool) -> tuple[str, str]:
    """Return an encoding, and what speaks for it if it is not UTF-8."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", "the file begins with the byte order mark of UTF-16"
    if len(content) >= 4 and not any(content[1:64:2]) and all(content[:64:2]):
        return "utf-16", "every other byte is NUL"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(content, is_whole)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        begin = max(content.rfind(b"\n", 0, error.start), content.rfind(b"\r", 0, error.start)) + 1
        word = re.split(rb"[\r\n]", content[begin : error.start + 40])[0].decode("latin-1")
        return "latin-1", f"line {line} is not UTF-8; confirm that it reads {shown(short(word))}"
    return "utf-8", ""


def _rows(text: str, split: _Split) -> Iterator[list[str]]:
    """Yield the cells of each record that is not blank. A blank that ends the delimiter is padding here."""
    delimiter = split.delimiter
    if delimiter == WHITESPACE:
        text, delimiter = text.replace("\t", " "), " "
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter[0], skipinitialspace=delimiter[1:] == " ")
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield [cell for cell in row if cell] if split.is_merged else row
    except csv.Error:
        return


def _delimiter(text: str, usual: str) -> tuple[_Split, str]:
    """Return how lines are split, and what speaks for it: all records have as many cells."""
    splits = [_Split(delimiter) for delimiter in dict.fromkeys((usual, *_DELIMITERS))]
    widths = {split: width for split in splits if (width := _width(text, split))}
    if all(split.delimiter == "\t" and _has_blank_column(text, split) for split in widths):
        for split in (_Split("\t", is_merged=True), _Split(WHITESPACE, is_merged=True)):
            if (width := _width(text, split)) and _has_numbers(text, split):
                return split, f"all records have {width} cells"
    if not widths:
        return _Split(usual), ""
    best = _Split(usual) if _Split(usual) in widths else max(widths, key=lambda split: widths[split])
    others = [split for split in widths if split.delimiter != ","]
    if best.delimiter == "," and others and _is_decimal_comma(text, others[0]):
        best = others[0]
    why = f"all records have {widths[best]} cells"
    if best.delimiter == "," and text.count(", ") == text.count(","):
        return _Split(", "), f"{why}, with a blank after each comma"
    return best, why


def _width(text: str, split: _Split) -> int:
    """Return how many cells all records have, 0 if that differs or is one."""
    width = 0
    for row in _rows(text, split):
        if len(row) == 1 or (width and len(row) != width):
            return 0
        width = len(row)
    return width


def _has_blank_column(text: str, split: _Split) -> bool:
    return any(not any(cell.strip() for cell in column) for column in zip(*_rows(text, split), strict=True))


def _has_numbers(text: str, split: _Split) -> bool:
    """Return whether a column holds numbers, but for its name."""
    columns = zip(*_rows(text, split), strict=True)
    return any(_nearly_all(map(_is_number, column[1:])) for column in columns)


def _is_decimal_comma(text: str, split: _Split) -> bool:
    """Return whether each comma stands in a number, if another delimiter splits the cells."""
    cells = [cell.strip() for row in _rows(text, split) for cell in row if "," in cell]
    return bool(cells) and all(_DECIMAL_COMMA.fullmatch(cell) for cell in cells)


def _decimal_comma(rows: Sequence[Sequence[str]]) -> str:
    """Return a number with a decimal comma of a column that holds only such and whole ones. Else an empty text."""
    for column in zip(*rows[1:], strict=False):
        filled: list[str] = [cell.strip() for cell in column if not _NO_VALUE.fullmatch(cell.strip())]
        commas = [cell for cell in filled if _DECIMAL_COMMA.fullmatch(cell)]
        if commas and not any("." in cell for cell in filled) and _nearly_all(map(_is_number, filled)):
            return commas[0]
    return ""


def _is_data(rows: Sequence[Sequence[str]]) -> bool | None:
    """Return whether the first record is data like the others, not names of columns; None if it is a bit of both."""
    if len(rows) < 2:
        return False
    alike, unlike = 0, 0
    for place, cell in enumerate(rows[0]):
        cells = [row[place].strip() for row in rows[1:] if place < len(row)]
        filled = [other for other in cells if not _NO_VALUE.fullmatch(other)]
        looks = next((looks for looks in (_is_number, _is_media) if _nearly_all(map(looks, filled))), None)
        if looks is None or _NO_VALUE.fullmatch(cell.strip()):
            continue
        if looks(cell.strip()):
            alike += 1
        else:
            unlike += 1
    if not alike or _counts_up([cell.strip() for cell in rows[0]]):
        return False
    return True if alike > unlike else None


def _nearly_all(truths: Iterable[bool]) -> bool:
    known = list(truths)
    return bool(known) and sum(known) >= _NEARLY_ALL * len(known)


def _is_media(text: str) -> bool:
    return text.rpartition(".")[2].lower() in MEDIA and "." in text


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _counts_up(cells: Sequence[str]) -> bool:
    """Return whether a record names columns by their numbers: 1, 2, 3."""
    found = [int(cell) for cell in cells if re.fullmatch("[0-9]{1,6}", cell)]
    return len(found) >= 3 and found == list(range(found[0], found[0] + len(found)))
