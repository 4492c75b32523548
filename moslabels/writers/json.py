"""JSON lines and JSON: the text of each row, with the label members after its own members."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.text import shown
from moslabels.sources.batches import text_rows, typed_batches
from moslabels.sources.constants import TEXT, one_array, text_of, texts_of
from moslabels.sources.faults import fault
from moslabels.sources.source import Cells
from moslabels.writers.compressed import Sink
from moslabels.writers.job import Job, Written
from moslabels.writers.texts import ValueTexts, joined, json_name, values_buffer, without_text

_NOTHING, _COMMA = text_of(""), text_of(", ")


class JsonLinesWriter:
    """JSON lines: one object per line."""

    beside: tuple[str, ...] = ()

    def write(self, job: Job, staged: Sink) -> Written:
        row_labels = job.begin_writing()
        texts = ValueTexts(job.source.path)
        members = _member_texts(job.columns, ValueTexts(job.out))
        nulled_of = without_text(job.columns)
        written = nulled = 0
        self.start(staged)
        for opened in _opened_rows(job, texts):
            comma = pc.if_else(pc.ends_with(opened, "{"), _NOTHING, _COMMA)
            which = row_labels.of(written, len(opened))
            self.put(staged, joined(opened, comma, members.take(which), "}"), is_first=not written)
            nulled += pc.sum(nulled_of.take(which), min_count=0).as_py()
            written += len(opened)
            job.engine.progress.advance(written)
        self.end(staged)
        row_labels.check(written)
        return Written(texts.nulled + nulled)

    def write_plain(self, table: pa.Table, staged: Sink) -> None:
        staged.write(values_buffer(joined(_object_texts(table, ValueTexts(staged.given)), "\n")))

    def start(self, staged: Sink) -> None:
        """Write what comes before the objects."""

    def put(self, staged: Sink, objects: pa.Array, *, is_first: bool) -> None:  # noqa: ARG002
        """Write some objects."""
        staged.write(values_buffer(joined(objects, "\n")))

    def end(self, staged: Sink) -> None:
        """Write what comes after the objects."""


class JsonWriter(JsonLinesWriter):
    """A JSON document, ``{"rows": [...]}``, with one object per line."""

    def write_plain(self, table: pa.Table, staged: Sink) -> None:
        staged.write(b'{"rows": [')
        staged.write(values_buffer(joined(",\n", _object_texts(table, ValueTexts(staged.given))))[1:])
        self.end(staged)

    def start(self, staged: Sink) -> None:
        staged.write(b'{"rows": [\n')

    def put(self, staged: Sink, objects: pa.Array, *, is_first: bool) -> None:
        data = values_buffer(joined(",\n", objects))
        staged.write(data[2:] if is_first else data)

    def end(self, staged: Sink) -> None:
        staged.write(b"\n]}\n")


def _object_texts(table: pa.Table, texts: ValueTexts) -> pa.Array:
    """Return the rows of a table as JSON objects, one text per row."""
    return joined("{", _member_texts(table, texts), "}")


def _member_texts(table: pa.Table, texts: ValueTexts) -> pa.Array:
    """Return the rows of a table as JSON objects without their braces, one text per row."""
    parts: list[pa.Array | str] = []
    for name in table.column_names:
        column = one_array(table.column(name))
        parts += [f"{', ' if parts else ''}{json_name(name)}: ", texts.json(column, name)]
    return joined(*parts) if parts else texts_of([""] * len(table))


def _opened_rows(job: Job, texts: ValueTexts) -> Iterator[pa.Array]:
    """Yield the rows of the features as JSON objects without their closing brace, in file order."""
    rows = text_rows(len(job.source.columns))
    if job.source.format.cells is not Cells.JSON:
        _, batches = typed_batches(job.engine, job.source, job.dropped, rows, job.keys)
        for batch in batches:
            yield joined("{", _member_texts(pa.Table.from_batches([batch]), texts))
        return
    name = "convert/json_objects_without" if job.dropped else "convert/json_objects"
    with job.source.reading():
        _, batches = job.engine.stream(job.source.statement(name, values={"dropped": list(job.dropped)}), rows)
        for batch in batches:
            opened = batch.column(0).cast(TEXT)
            if opened.null_count:
                raise fault(
                    job.source.path,
                    f"overwrite cannot take {', '.join(map(shown, job.dropped))} out of an object that nests more than "
                    "10 deep; remove the old label columns first",
                    "cannot-hold",
                )
            yield opened
