"""Parquet to Parquet by splice: no byte of a feature changes.

The features' file is copied byte for byte up to its footer, the label columns are appended as new column chunks in the
same row groups, and a new footer lists both. The label columns have a page index if the features have one.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from itertools import chain
from typing import IO, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from moslabels.base.errors import TableError
from moslabels.base.progress import Progress
from moslabels.files.staged import StagedFile
from moslabels.parquet import schemas
from moslabels.parquet.appended import alone, appended, moved
from moslabels.parquet.chunks import FooterError
from moslabels.parquet.footer import MAGIC, Footer, read_footer
from moslabels.parquet.page_index import has_page_index, moved_page_index
from moslabels.sources.faults import fault
from moslabels.writers.copy import Copy
from moslabels.writers.job import Job, RowLabels, Written, changed
from moslabels.writers.label_columns import LabelColumns, same

_BLOCK = 1 << 20
_SLICE = 1 << 20
_SPOOL = 1 << 26
_FEW_ROWS = 1 << 16
_MOST_GROUP_ROWS = 1 << 26  # The most rows that pyarrow writes into one row group.


def write(job: Job, footer: Footer, copy: Copy, staged: StagedFile) -> Written:
    """Write Parquet from Parquet features, whose footer was read, and whose copy began. Raise TableError if that fails.

    The label columns are written and read back while the features are copied.
    """
    largest = max((group.rows for group in footer.groups), default=0)
    if largest > _MOST_GROUP_ROWS:
        raise _cannot(job, f"it has a row group of {largest} rows, and {_MOST_GROUP_ROWS} are the most")
    columns = LabelColumns(job.columns)
    progress = job.engine.progress
    with tempfile.SpooledTemporaryFile(_SPOOL, dir=job.temp_folder) as spool:
        row_labels = job.label_rows()
        row_labels.check(footer.num_rows)
        planned = _Planned(columns, row_labels, is_kept=footer.num_rows <= _SLICE)
        _write_labels(spool, planned, footer, progress)
        label_footer = read_footer(spool)
        shift = footer.start - len(MAGIC)
        index = moved_page_index(spool, label_footer, shift)
        label_chunks = moved(label_footer, shift, index)
        dropped = {index for index, column in enumerate(footer.columns) if column.name in job.dropped}
        try:
            declared = schemas.declared(job.columns, row_labels.positions)
            key_values = schemas.extended(footer.key_values(), job.dropped, declared)
        except FooterError as error:
            raise _cannot(job, str(error)) from error
        spool.seek(len(MAGIC))
        blocks = _blocks(spool, index.pages_end - len(MAGIC))
        end = staged.write_at(footer.start, chain(blocks, [index.data]))
        _check_labels(job, staged, planned, footer, alone(label_footer, label_chunks))
    written = copy.finish(progress)
    copy.source.seek(footer.start)
    rest = copy.source.read()
    if rest[:-8] != footer.data:
        raise changed(job.source.path)
    features_hash = written.copy()
    features_hash.update(rest)
    # The footer comes last because it holds the hash of the features, which is known only now.
    name, evidence = job.evidence(features_hash.hexdigest())
    key_values[name] = evidence.encode("utf-8")
    try:
        new = appended(footer, dropped, label_footer, label_chunks, key_values)
    except FooterError as error:
        raise _cannot(job, str(error)) from error
    staged.write_at(end, [_whole(new)])
    with staged.reopened() as result:
        result.seek(footer.start)
        for block in _blocks(result, end + len(new) + 8 - footer.start):
            written.update(block)
        staged.settle(end + len(new) + 8, written)
        _check_footer(job, result, footer, dropped)
    return Written(features_sha256=features_hash.hexdigest())


class _Planned:
    """The label columns of any rows of the file. Those of few rows are kept from writing for the check."""

    def __init__(self, columns: LabelColumns, row_labels: RowLabels, *, is_kept: bool) -> None:
        self.columns = columns
        self._row_labels = row_labels
        self._is_kept = is_kept
        self._kept: dict[tuple[int, int], pa.Table] = {}

    def table(self, start: int, rows: int) -> pa.Table:
        """Return the label columns of so many rows from ``start`` on."""
        kept = self._kept.get((start, rows))
        if kept is not None:
            return kept
        table = self.columns.table(self._row_labels.of(start, rows))
        if self._is_kept:
            self._kept[start, rows] = table
        return table


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


def _write_labels(stream: IO[bytes], planned: _Planned, footer: Footer, progress: Progress) -> None:
    """Write the label columns of all rows, in the row groups of the features."""
    progress.step("writing labels", footer.num_rows)
    has_index = has_page_index(footer)
    with pq.ParquetWriter(
        stream, planned.columns.schema, compression="snappy", store_schema=False, write_page_index=has_index
    ) as writer:
        for group, start in _starts(footer):
            writer.write_table(planned.table(start, group), row_group_size=max(1, group))
            progress.advance(start + group)


def _check_labels(job: Job, staged: StagedFile, planned: _Planned, footer: Footer, own: bytes) -> None:
    """Read the label columns back from the new file, and compare them with what was planned.

    ``own`` is a footer that lists only the label columns. Without it, the reader would have to decode the schema of
    the old columns, which it may not support.
    """
    metadata = pq.read_metadata(io.BytesIO(MAGIC + _whole(own)))
    # Threads, and reading ahead, take longer to begin than few rows to decode.
    is_large = footer.num_rows > _FEW_ROWS
    with (
        staged.reopened() as stream,
        pq.ParquetFile(stream, metadata=metadata, read_dictionary=planned.columns.texts, pre_buffer=is_large) as file,
    ):
        for index, (group, start) in enumerate(_starts(footer)):
            done = start
            for batch in file.iter_batches(_SLICE, row_groups=[index], use_threads=is_large):
                found, wanted = pa.Table.from_batches([batch]), planned.table(done, len(batch))
                if not all(same(found[name], wanted[name]) for name in wanted.schema.names):
                    raise _differ(job, "label columns")
                done += len(batch)
            if done != start + group:
                raise _differ(job, "rows")


def _check_footer(job: Job, result: BinaryIO, old: Footer, dropped: set[int]) -> None:
    """Read the footer of the new file back, and raise TableError if its columns or row groups are not those planned."""
    new = read_footer(result, old)
    names = [column.name for index, column in enumerate(old.columns) if index not in dropped]
    if [column.name for column in new.columns] != [*names, *job.columns.column_names]:
        raise _differ(job, "columns")
    if [group.rows for group in new.groups] != [group.rows for group in old.groups]:
        raise _differ(job, "row groups")


def _differ(job: Job, what: str) -> TableError:
    return fault(job.out, f"the {what} read back differ from those planned", "read-back")
