"""The writers of the formats, and the two things that they write: a labelled table, or a small plain table."""

from __future__ import annotations

import os
from typing import Protocol

import pyarrow as pa

from moslabels.files.staged import StagedFile
from moslabels.sources.source import Source
from moslabels.spec.formats import compression_of, format_of, known_format
from moslabels.writers.compressed import Sink, compressed
from moslabels.writers.copy import Copy
from moslabels.writers.csv import CsvWriter
from moslabels.writers.job import Job, Written
from moslabels.writers.json import JsonLinesWriter, JsonWriter
from moslabels.writers.parquet import ParquetWriter


class Writer(Protocol):
    """A writer of one format."""

    beside: tuple[str, ...]
    """Names of files that other programs leave beside an output and that mislead its readers.

    ``{}`` stands for the name of the output.
    """

    def write(self, job: Job, staged: StagedFile) -> Written:
        """Write the features of a job with their label columns. Raise TableError if the format cannot hold them."""

    def write_plain(self, table: pa.Table, staged: StagedFile) -> None:
        """Write a small table of texts and whole numbers."""


class TextWriter(Protocol):
    """A writer of a format of text, whose bytes may be compressed on their way to the file."""

    beside: tuple[str, ...]

    def write(self, job: Job, staged: Sink) -> Written:
        """Do the same as :meth:`Writer.write`."""

    def write_plain(self, table: pa.Table, staged: Sink) -> None:
        """Do the same as :meth:`Writer.write_plain`."""


TEXT_WRITERS: dict[str, TextWriter] = {
    "jsonl": JsonLinesWriter(),
    "json": JsonWriter(),
    "csv": CsvWriter(","),
    "tsv": CsvWriter("\t"),
}
WRITERS: dict[str, Writer] = {"parquet": ParquetWriter(), **TEXT_WRITERS}
"""The writers of the formats of ``spec/formats``, by name."""


def begin(source: Source, staged: StagedFile) -> Copy | None:
    """Return what copies the features to a staged file, if its writer only appends to them. Entering it begins that."""
    footer = source.part.footer
    if footer is None or format_of(staged.given) != "parquet":
        return None
    return Copy(source.part.file, footer.start, staged)


def write_labelled(job: Job, staged: StagedFile) -> Written:
    """Write the labelled table to a staged file. The suffix of the output says in which format."""
    name = format_of(job.out)
    if codec := compression_of(job.out):
        with compressed(staged, codec) as sink:
            return TEXT_WRITERS[name].write(job, sink)
    return WRITERS[name].write(job, staged)


def write_plain(table: pa.Table, staged: StagedFile) -> None:
    """Write a small table of texts and whole numbers to a staged file, in the format of the suffix of its target."""
    name, table = format_of(staged.given), table.combine_chunks()
    if codec := compression_of(staged.given):
        with compressed(staged, codec) as sink:
            TEXT_WRITERS[name].write_plain(table, sink)
    else:
        WRITERS[name].write_plain(table, staged)


def beside_warnings(out: str) -> dict[str, str]:
    """Return a warning, by path, for each file that others may leave beside an output and that misleads its readers."""
    folder, name = os.path.split(out)
    writer = WRITERS.get(known_format(name) or "")
    paths = [os.path.join(folder, other.format(name)) for other in (writer.beside if writer else ())]
    return {path: f"{path} does not know the new {name} and misleads Spark; remove it" for path in paths}
