"""The result of a query as text: a table for people, CSV, JSON, JSON lines or Markdown."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import UsageError
from moslabels.base.text import display_width, shown, visible, visible_json
from moslabels.engine.locked import Answer
from moslabels.evidence.report import markdown_text
from moslabels.writers.texts import ValueTexts, json_name

Cells = Sequence[Sequence["str | None"]]
"""Rows of texts; None is NULL."""

_LEAST = 8  # A column is not cut below this width.


def result_text(answer: Answer, style: str, width: int | None = None) -> str:
    """Return the result in one of ``STYLES``. A table is cut to the ``width`` of a terminal, if there is one.

    Raise UsageError if JSON cannot hold it because two columns have one name. Raise TableError for a type without a
    text.
    """
    if style in ("json", "jsonl"):
        return _json(answer, style == "jsonl")
    cells = _rows(answer, _plain)
    if style == "table":
        return _table(answer, cells, width)
    return _MAKERS[style](answer, cells)


def _rows(answer: Answer, texts: Callable[[pa.Array, str, str], pa.Array]) -> Cells:
    columns = []
    for index, (name, kind) in enumerate(zip(answer.names, answer.types, strict=True)):
        array = pa.chunked_array(answer.values.column(index)).combine_chunks()
        columns.append(texts(_with_text(array), name, kind).to_pylist())
    return list(zip(*columns, strict=True))


def _with_text(array: pa.Array) -> pa.Array:
    """Return intervals as ISO 8601 text, in the parts that DuckDB keeps. Return other arrays as they are."""
    if array.type != pa.month_day_nano_interval():
        return array
    return pa.array([None if value is None else _interval(*value) for value in array.to_pylist()], pa.large_string())


def _interval(months: int, days: int, nanoseconds: int) -> str:
    sign, microseconds = ("-" if nanoseconds < 0 else ""), abs(nanoseconds) // 1000
    seconds = f"{sign}{microseconds // 1_000_000}.{microseconds % 1_000_000:06}".rstrip("0").rstrip(".")
    parts = [f"{months}M" if months else "", f"{days}D" if days else "", f"T{seconds}S" if nanoseconds else ""]
    return f"P{''.join(parts)}" if any(parts) else "PT0S"


def _plain(array: pa.Array, name: str, _kind: str) -> pa.Array:
    texts = ValueTexts("the result")
    if pa.types.is_nested(array.type):
        return pc.if_else(array.is_valid(), texts.json(array, name), None)
    return texts.plain(array, name)


def _as_json(array: pa.Array, name: str, kind: str) -> pa.Array:
    if kind == "JSON":
        return pa.array([_json_value(value) for value in array.to_pylist()], pa.large_string())
    return ValueTexts("the result").json(array, name)


def _json_value(value: str | None) -> str:
    """Return a JSON value on one line. If only DuckDB takes it for JSON, return it as a JSON text."""
    try:
        json.loads(value or "null", parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return json.dumps(value, ensure_ascii=False)
    return re.sub(r"[\r\n\t]", " ", value or "null")


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


def _json(answer: Answer, is_lines: bool) -> str:
    for index, name in enumerate(answer.names):
        if name in answer.names[:index]:
            raise UsageError(f"two columns are named {shown(name)}, which JSON cannot hold; name them apart with AS")
    names = [json_name(name) for name in answer.names]
    lines = [
        f"{{{', '.join(f'{name}: {value}' for name, value in zip(names, row, strict=True))}}}"
        for row in _rows(answer, _as_json)
    ]
    lines = list(map(visible_json, lines))
    if is_lines:
        return "".join(f"{line}\n" for line in lines)
    return "[\n" + ",\n".join(f"  {line}" for line in lines) + "\n]\n" if lines else "[]\n"


def _csv(answer: Answer, cells: Cells) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream)
    writer.writerow(answer.names)
    writer.writerows(cells)
    return stream.getvalue()


def _markdown(answer: Answer, cells: Cells) -> str:
    is_number = _numbers(answer)
    lines = [
        [markdown_text(name) for name in answer.names],
        ["---:" if number else "---" for number in is_number],
        *(
            [
                "" if value is None else value if number else markdown_text(value)
                for value, number in zip(row, is_number, strict=True)
            ]
            for row in cells
        ),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _table(answer: Answer, cells: Cells, width: int | None) -> str:
    lines = [
        [visible(name) for name in answer.names],
        *(["NULL" if value is None else visible(value) for value in row] for row in cells),
    ]
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]
    while width is not None and sum(widths) + 2 * (len(widths) - 1) > width and max(widths) > _LEAST:
        # Shrink the widest column in large steps, so that few are needed.
        widest = max(widths)
        widths[widths.index(widest)] = max(_LEAST, widest - max(1, (sum(widths) + 2 * len(widths) - width) // 8))
    lines.insert(1, ["-" * size for size in widths])
    is_number = _numbers(answer)
    out = [
        "  ".join(_fit(cell, size, number) for cell, size, number in zip(line, widths, is_number, strict=True))
        for line in lines
    ]
    return "".join(f"{line.rstrip()}\n" for line in out)


def _numbers(answer: Answer) -> list[bool]:
    kinds = [field.type for field in answer.values.schema]
    return [pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) for kind in kinds]


def _fit(cell: str, width: int, is_number: bool) -> str:
    if display_width(cell) > width:
        while display_width(cell) > width - 1:
            cell = cell[: min(len(cell) - 1, width)]
        cell += "…"
    space = " " * (width - display_width(cell))
    return space + cell if is_number else cell + space


_MAKERS: Mapping[str, Callable[[Answer, Cells], str]] = {"csv": _csv, "markdown": _markdown}
STYLES = ("table", "csv", "json", "jsonl", "markdown")
