"""Parquet to Parquet by splice: no byte of a feature changes.

The features' file is copied byte for byte up to its footer, the label columns are appended as new column chunks in the
same row groups, and a new footer lists both.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from typing import IO, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from moslabels.base.errors import TableError
from moslabels.files.staged import StagedFile
from moslabels.parquet import schemas
from moslabels.parquet.appended import appended
from moslabels.parquet.footer import MAGIC, Footer, FooterError, read_footer
from moslabels.sources.faults import fault
from moslabels.writers.copy import Copy
from moslabels.writers.job import Job, RowLabels, Written, changed

_BLOCK = 1 << 20
_SPOOL = 1 << 26
_SLICE = 1 << 20
_MOST_GROUP_ROWS = 1 << 26  # The most rows that pyarrow writes into one row group.


def write(job: Job, footer: Footer, copy: Copy, staged: StagedFile) -> Written:
    """Write Parquet from Parquet features, whose footer was read, and whose copy began. Raise TableError if that fails.

    The label columns are written and read back while the features are copied.
    """
    largest = max((group.rows for group in footer.groups), default=0)
    if largest > _MOST_GROUP_ROWS:
        raise _cannot(job, f"it has a row group of {largest} rows, and {_MOST_GROUP_ROWS} are the most")
    columns = _LabelColumns(job.columns)
    progress = job.engine.progress
    with tempfile.SpooledTemporaryFile(_SPOOL, dir=job.temp_folder) as spool:
        row_labels = job.label_rows()
        row_labels.check(footer.num_rows)
        progress.step("writing labels", footer.num_rows)
        with pq.ParquetWriter(spool, columns.schema, compression="snappy", store_schema=False) as writer:
            for group, start in _starts(footer):
                rows = columns.table(row_labels.of(start, group))
                writer.write_table(rows, row_group_size=max(1, group))
                progress.advance(start + group)
        label_footer = read_footer(spool)
        shift = footer.start - len(MAGIC)
        dropped = {index for index, column in enumerate(footer.columns) if column.name in job.dropped}
        try:
            declared = schemas.declared(job.columns, row_labels.positions)
            key_values = schemas.extended(footer.key_values(), job.dropped, declared)
            _, alone = appended(footer, dropped, label_footer, shift, key_values)
        except FooterError as error:
            raise _cannot(job, str(error)) from error
        spool.seek(len(MAGIC))
        end = staged.write_at(footer.start, _blocks(spool, label_footer.start - len(MAGIC)))
        _check_labels(job, staged, columns, row_labels, footer, alone)
    written = copy.finish(progress)
    copy.source.seek(footer.start)
    rest = copy.source.read()
    if rest[:-8] != footer.data:
        raise changed(job.source.path)
    features_hash = written.copy()
    features_hash.update(rest)
    # The footer comes last because it holds the hash of the features, which is known only now.
    name, evidence = job.evidence(features_hash.hexdigest())
    new, _ = appended(footer, dropped, label_footer, shift, {**key_values, name: evidence.encode("utf-8")})
    staged.write_at(end, [_whole(new)])
    with staged.reopened() as result:
        result.seek(footer.start)
        for block in _blocks(result, end + len(new) + 8 - footer.start):
            written.update(block)
        staged.settle(end + len(new) + 8, written)
        _check_footer(job, result, footer, dropped)
    return Written(features_sha256=features_hash.hexdigest())


def _cannot(job: Job, why: str) -> TableError:
    return fault(job.source.path, f"no columns can be appended to it: {why}", "cannot-hold")


def _starts(footer: Footer) -> Iterator[tuple[int, int]]:
    """Return, for each row group, its number of rows and the number of rows before it."""
    start = 0
    for group in footer.groups:
        yield group.rows, start
        start += group.rows


def _whole(footer: bytes) -> bytes:
    return footer + len(footer).to_bytes(4, "little") + MAGIC


def _blocks(stream: IO[bytes], size: int) -> Iterator[bytes]:
    while size > 0:
        block = stream.read(min(_BLOCK, size))
        if not block:
            raise OSError("a file ended before its end")
        size -= len(block)
        yield block


class _LabelColumns:
    """The label columns, from which the rows of any feature rows are taken.

    Texts are dictionaries, because they are written and compared as such.
    """

    def __init__(self, table: pa.Table) -> None:
        self._values: list[pa.Array] = []
        for column in table.columns:
            values = column.combine_chunks()
            self._values.append(values.dictionary_encode() if pa.types.is_string(values.type) else values)
        self.schema = pa.schema([(name, v.type) for name, v in zip(table.column_names, self._values, strict=True)])

    def table(self, labels: pa.Array) -> pa.Table:
        """Return a row of label columns for each position in ``labels``."""
        parts = [labels.slice(start, _SLICE) for start in range(0, len(labels), _SLICE)]
        arrays = [pa.chunked_array([_taken(values, part) for part in parts], values.type) for values in self._values]
        return pa.Table.from_arrays(arrays, schema=self.schema)


def _taken(values: pa.Array, places: pa.Array) -> pa.Array:
    if isinstance(values, pa.DictionaryArray):
        return pa.DictionaryArray.from_arrays(values.indices.take(places), values.dictionary)
    return values.take(places)


def _check_labels(
    job: Job, staged: StagedFile, columns: _LabelColumns, row_labels: RowLabels, footer: Footer, alone: bytes
) -> None:
    """Read the label columns back from the new file, and compare them with what was planned.

    ``alone`` is a footer that lists only the label columns. Without it, the reader would have to decode the schema of
    the old columns, which it may not support.
    """
    metadata = pq.read_metadata(io.BytesIO(MAGIC + _whole(alone)))
    texts = [field.name for field in columns.schema if pa.types.is_dictionary(field.type)]
    with staged.reopened() as stream, pq.ParquetFile(stream, metadata=metadata, read_dictionary=texts) as file:
        for index, (group, start) in enumerate(_starts(footer)):
            found = file.read_row_group(index)
            planned = columns.table(row_labels.of(start, group))
            if not all(_same(found[name], planned[name]) for name in columns.schema.names):
                raise fault(job.out, "the label columns read back differ from those planned", "read-back")


def _same(found: pa.ChunkedArray, planned: pa.ChunkedArray) -> bool:
    """Return whether two columns hold the same values. NaN counts as equal to NaN."""
    if pa.types.is_dictionary(planned.type):
        words = planned.chunk(0).dictionary if planned.num_chunks else pa.array([], planned.type.value_type)
        codes = [pc.index_in(part.dictionary, value_set=words).take(part.indices) for part in found.chunks]
        planned_codes = [part.indices for part in planned.chunks]
        return bool(pa.chunked_array(codes, pa.int32()).equals(pa.chunked_array(planned_codes, pa.int32())))
    planned = planned.cast(found.type)
    if found.equals(planned) or not pa.types.is_floating(planned.type):
        return bool(found.equals(planned))
    return bool(pc.is_nan(found).equals(pc.is_nan(planned)) and _without_nan(found).equals(_without_nan(planned)))


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.is_nan(column), pa.scalar(0, column.type), column)


def _check_footer(job: Job, result: BinaryIO, old: Footer, dropped: set[int]) -> None:
    """Read the footer of the new file back, and raise TableError if its columns or row groups are not those planned."""
    new = read_footer(result)
    names = [column.name for index, column in enumerate(old.columns) if index not in dropped]
    if [column.name for column in new.columns] != [*names, *job.columns.column_names]:
        raise fault(job.out, "the columns read back differ from those planned", "read-back")
    if [group.rows for group in new.groups] != [group.rows for group in old.groups]:
        raise fault(job.out, "the row groups read back differ from those planned", "read-back")
