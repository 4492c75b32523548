"""JSON lines and JSON: the text of each row with the label members after its own."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError
from moslabels.base.text import shown
from moslabels.engine.statements import Statement, render
from moslabels.files.staged import StagedFile
from moslabels.sources.batches import batch_rows, typed_batches
from moslabels.sources.opening import reading
from moslabels.spec.formats import format_of
from moslabels.writers import Job, Written
from moslabels.writers.texts import TEXT, ValueTexts, joined, json_name, values_buffer, without_text


def write(job: Job, staged: StagedFile) -> Written:
    """Write JSON lines, or ``{"rows": [...]}`` for the suffix ``.json``, a row a line."""
    texts = ValueTexts(job.source.path)
    is_document = format_of(job.out) == "json"
    members = member_texts(job.columns, ValueTexts(job.out))
    nulled_of = without_text(job.columns)
    written = nulled = 0
    if is_document:
        staged.write(b'{"rows": [\n')
    for opened in _opened_rows(job, texts):
        comma = pc.if_else(pc.ends_with(opened, "{"), "", ", ").cast(TEXT)
        which = job.labels_of(written, len(opened))
        closed = joined(opened, comma, members.take(which), "}")
        nulled += pc.sum(nulled_of.take(which), min_count=0).as_py()
        lines = joined(",\n", closed) if is_document else joined(closed, "\n")
        data = values_buffer(lines)
        staged.write(data[2:] if is_document and not written else data)
        written += len(opened)
        job.engine.progress.advance(written)
    if is_document:
        staged.write(b"\n]}\n")
    job.check_rows(written)
    return Written(texts.nulled + nulled)


def member_texts(table: pa.Table, texts: ValueTexts) -> pa.Array:
    """The columns of a table as the members of an object, without its braces: a text per row."""
    parts: list[pa.Array | str] = []
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        parts += [f"{', ' if parts else ''}{json_name(name)}: ", texts.json(column, name)]
    return joined(*parts) if parts else pa.array([""] * len(table), TEXT)


def _opened_rows(job: Job, texts: ValueTexts) -> Iterator[pa.Array]:
    """The rows of the features as JSON objects without their closing brace, in file order."""
    rows = batch_rows(len(job.source.columns))
    if job.source.reader == "jsonl":
        with reading(job.source):
            _, batches = job.engine.stream(_lines(job), rows)
            for batch in batches:
                opened = batch.column(0).cast(TEXT)
                if opened.null_count:
                    raise TableError(
                        f"{job.source.path}: overwrite cannot take {', '.join(map(shown, job.dropped))} out of an "
                        "object that nests more than 10 deep; remove the old label columns first",
                        code="cannot-hold",
                        file=job.source.path,
                    )
                yield opened
        return
    _, batches = typed_batches(job.engine, job.source, job.dropped, rows, job.keys)
    for batch in batches:
        yield joined("{", member_texts(pa.Table.from_batches([batch]), texts))


def _lines(job: Job) -> Statement:
    values = {**job.source.values(), "dropped": list(job.dropped)}
    return render("convert/json_objects_without" if job.dropped else "convert/json_objects", values, cells=[])
