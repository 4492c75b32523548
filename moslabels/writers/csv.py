"""CSV: the cells of each row with the cells of the label columns after them."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError
from moslabels.files.staged import StagedFile
from moslabels.sources.batches import batch_rows, text_batches, typed_batches
from moslabels.sources.opening import Dialect, Source
from moslabels.spec.formats import default_delimiter
from moslabels.writers import Job, Written
from moslabels.writers.texts import TEXT, ValueTexts, joined, values_buffer, without_text


def write(job: Job, staged: StagedFile) -> Written:
    """Write CSV with a header, in the dialect of the features where they are CSV too."""
    dialect = output_dialect(job.source, job.out)
    texts = ValueTexts(job.source.path)
    labels = record_texts(job.columns, dialect, ValueTexts(job.out))
    kept = [name for name in job.source.names if name not in job.dropped]
    header = cell_texts(pa.array([*kept, *job.columns.column_names], TEXT), dialect)
    _put(job, staged, _start(dialect) + dialect.delimiter.join(header.to_pylist()) + dialect.line_end, dialect)
    nulled_of = without_text(job.columns)
    written = nulled = 0
    for records in _feature_records(job, dialect, texts):
        which = job.labels_of(written, len(records))
        cells = labels.take(which)
        nulled += pc.sum(nulled_of.take(which), min_count=0).as_py()
        lines = joined(records, dialect.delimiter, cells, dialect.line_end) if kept else joined(cells, dialect.line_end)
        data = values_buffer(lines)
        if dialect.encoding == "utf-8":
            staged.write(data)
        else:
            _put(job, staged, bytes(data).decode("utf-8"), dialect)
        written += len(records)
        job.engine.progress.advance(written)
    job.check_rows(written)
    return Written(texts.nulled + nulled)


def output_dialect(source: Source, out: str) -> Dialect:
    """The dialect of the features, with the delimiter of the output's suffix where that is another one."""
    if source.format != "csv":
        return Dialect(delimiter=default_delimiter(out))
    if Path(out).suffix.lower() == Path(source.path).suffix.lower():
        return source.dialect
    return replace(source.dialect, delimiter=default_delimiter(out))


def _start(dialect: Dialect) -> str:
    return "\ufeff" if dialect.has_bom or dialect.encoding == "utf-16" else ""


def _put(job: Job, staged: StagedFile, text: str, dialect: Dialect) -> None:
    # "utf-16" would start every piece with a byte order mark.
    encoding = "utf-16-le" if dialect.encoding == "utf-16" else dialect.encoding
    try:
        staged.write(codecs.encode(text, encoding))
    except UnicodeEncodeError as error:
        raise TableError(
            f"{job.out}: {text[error.start : error.start + 20]!r} cannot be written in {dialect.encoding}, the "
            "encoding of the features; name the label files in that encoding, or write another format",
            code="cannot-hold",
            file=job.out,
        ) from error


def _special(dialect: Dialect) -> str:
    """A pattern of the characters that make quotes necessary. A part of a long delimiter counts: a| + || is || + |a."""
    characters = {'"', "\r", "\n", *dialect.delimiter}
    return "[" + "".join(f"\\x{{{ord(character):x}}}" for character in sorted(characters)) + "]"


def cell_texts(text: pa.Array, dialect: Dialect) -> pa.Array:
    """Texts as CSV cells: quoted where special or empty; a missing one is an empty cell."""
    special = pc.or_(pc.equal(text, ""), pc.match_substring_regex(text, _special(dialect)))
    if pc.any(special).as_py():
        text = pc.if_else(special, joined('"', pc.replace_substring(text, '"', '""'), '"'), text)
    return pc.fill_null(text, "")


def record_texts(table: pa.Table, dialect: Dialect, texts: ValueTexts, keys: Sequence[str] = ()) -> pa.Array:
    """The rows of a table as CSV records without a line end. ``keys`` names its key columns."""
    cells = []
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        cells.append(cell_texts(texts.key(column, name) if name in keys else texts.plain(column, name), dialect))
    return _records(cells, len(table), dialect)


def _records(cells: Sequence[pa.Array], rows: int, dialect: Dialect) -> pa.Array:
    parts: list[pa.Array | str] = []
    for texts in cells:
        parts += [dialect.delimiter, texts] if parts else [texts]
    return joined(*parts) if parts else pa.array([""] * rows, TEXT)


def _feature_records(job: Job, dialect: Dialect, texts: ValueTexts) -> Iterator[pa.Array]:
    source = job.source
    rows = batch_rows(len(source.columns))
    if source.reader != "csv":
        _, batches = typed_batches(job.engine, source, job.dropped, rows, job.keys)
        for batch in batches:
            yield record_texts(pa.Table.from_batches([batch]), dialect, texts, job.keys)
        return
    columns = [column for column in source.columns if column.name not in job.dropped]
    for batch in text_batches(job.engine, source, columns, rows):
        yield _records([cell_texts(column.cast(TEXT), dialect) for column in batch.columns], batch.num_rows, dialect)
