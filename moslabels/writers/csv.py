"""CSV: the cells of each row, then the cells of its label columns."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.sources.batches import text_batches, text_rows, typed_batches
from moslabels.sources.constants import TEXT, one_array, text_of, texts_of
from moslabels.sources.faults import fault
from moslabels.sources.part import Dialect
from moslabels.sources.source import Cells
from moslabels.spec.formats import format_of
from moslabels.writers.compressed import Sink
from moslabels.writers.job import Job, Written
from moslabels.writers.texts import ValueTexts, joined, values_buffer, without_text

_NOTHING = text_of("")


class CsvWriter:
    """CSV with a header, in the dialect of the features if they have one."""

    beside: tuple[str, ...] = ()

    def __init__(self, delimiter: str) -> None:
        self._delimiter = delimiter

    def write(self, job: Job, staged: Sink) -> Written:
        row_labels = job.begin_writing()
        dialect = self._dialect(job)
        texts = ValueTexts(job.source.path)
        labels = _record_texts(job.columns, dialect, ValueTexts(job.out))
        kept = [name for name in job.source.names if name not in job.dropped]
        header = _cell_texts(texts_of([*kept, *job.columns.column_names]), dialect)
        _put(job, staged, _start(dialect) + dialect.delimiter.join(header.to_pylist()) + dialect.line_end, dialect)
        nulled_of = without_text(job.columns)
        written = nulled = 0
        for records in _feature_records(job, dialect, texts):
            which = row_labels.of(written, len(records))
            cells = labels.take(which)
            nulled += pc.sum(nulled_of.take(which), min_count=0).as_py()
            lines = joined(*([records, dialect.delimiter] if kept else []), cells, dialect.line_end)
            data = values_buffer(lines)
            if dialect.encoding == "utf-8":
                staged.write(data)
            else:
                _put(job, staged, bytes(data).decode("utf-8"), dialect)
            written += len(records)
            job.engine.progress.advance(written)
        row_labels.check(written)
        return Written(texts.nulled + nulled)

    def write_plain(self, table: pa.Table, staged: Sink) -> None:
        dialect = Dialect(delimiter=self._delimiter)
        names = _cell_texts(texts_of(table.column_names), dialect).to_pylist()
        staged.write((dialect.delimiter.join(names) + "\n").encode())
        staged.write(values_buffer(joined(_record_texts(table, dialect, ValueTexts(staged.given)), "\n")))

    def _dialect(self, job: Job) -> Dialect:
        """Return the dialect of the features. If the output has another format, its delimiter is that of the format."""
        if job.source.dialect is None:
            return Dialect(delimiter=self._delimiter)
        if format_of(job.out) == format_of(job.source.path):
            return job.source.dialect
        return replace(job.source.dialect, delimiter=self._delimiter)


def _start(dialect: Dialect) -> str:
    return "\ufeff" if dialect.has_bom or dialect.encoding == "utf-16" else ""


def _put(job: Job, staged: Sink, text: str, dialect: Dialect) -> None:
    # The codec "utf-16" would start every piece with a byte order mark.
    encoding = "utf-16-le" if dialect.encoding == "utf-16" else dialect.encoding
    try:
        staged.write(codecs.encode(text, encoding))
    except UnicodeEncodeError as error:
        raise fault(
            job.out,
            f"{text[error.start : error.start + 20]!r} cannot be written in {dialect.encoding}, the encoding of the "
            "features; name the label files in that encoding, or write another format",
            "cannot-hold",
        ) from error


def _special(dialect: Dialect) -> str:
    """Return a pattern of the characters that need quotes.

    Each character of a long delimiter is one of them. With the delimiter ``||``, the cell ``a|`` would otherwise read
    back as ``a``, and the next cell would begin with ``|``.
    """
    characters = {'"', "\r", "\n", *dialect.delimiter}
    return "[" + "".join(f"\\x{{{ord(character):x}}}" for character in sorted(characters)) + "]"


def _cell_texts(text: pa.Array, dialect: Dialect) -> pa.Array:
    """Return texts as CSV cells, quoted if special or empty. A missing text is an empty cell without quotes."""
    special = pc.or_(pc.equal(text, _NOTHING), pc.match_substring_regex(text, _special(dialect)))
    if pc.any(special).as_py():
        text = pc.if_else(special, joined('"', pc.replace_substring(text, '"', '""'), '"'), text)
    return pc.fill_null(text, _NOTHING)


def _record_texts(table: pa.Table, dialect: Dialect, texts: ValueTexts, keys: Sequence[str] = ()) -> pa.Array:
    """Return the rows of a table as CSV records without line ends. ``keys`` names its key columns."""
    cells = []
    for name in table.column_names:
        column = one_array(table.column(name))
        text = texts.key(column, name) if name in keys else texts.plain(column, name)
        if dialect.decimal != "." and pa.types.is_floating(column.type):
            text = pc.replace_substring(text, ".", dialect.decimal)
        cells.append(_cell_texts(text, dialect))
    return _records(cells, len(table), dialect)


def _records(cells: Sequence[pa.Array], rows: int, dialect: Dialect) -> pa.Array:
    parts: list[pa.Array | str] = []
    for texts in cells:
        parts += [dialect.delimiter, texts] if parts else [texts]
    return joined(*parts) if parts else texts_of([""] * rows)


def _feature_records(job: Job, dialect: Dialect, texts: ValueTexts) -> Iterator[pa.Array]:
    source = job.source
    rows = text_rows(len(source.columns))
    if source.format.cells is not Cells.TEXT:
        _, batches = typed_batches(job.engine, source, job.dropped, rows, job.keys)
        for batch in batches:
            yield _record_texts(pa.Table.from_batches([batch]), dialect, texts, job.keys)
        return
    columns = [column for column in source.columns if column.name not in job.dropped]
    for batch in text_batches(job.engine, source, columns, rows):
        yield _records([_cell_texts(column.cast(TEXT), dialect) for column in batch.columns], batch.num_rows, dialect)
