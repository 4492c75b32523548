"""The writers of the formats, and the two things that they write: a labelled table, or a small plain table."""

from __future__ import annotations

import os
from typing import Protocol

import pyarrow as pa

from moslabels.files.staged import StagedFile
from moslabels.spec.formats import FORMATS, format_of
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


WRITERS: dict[str, Writer] = {
    "parquet": ParquetWriter(),
    "jsonl": JsonLinesWriter(),
    "json": JsonWriter(),
    "csv": CsvWriter(","),
    "tsv": CsvWriter("\t"),
}
"""The writers of the formats of ``spec/formats``, by name."""


def write_labelled(job: Job, staged: StagedFile) -> Written:
    """Write the labelled table to a staged file. The suffix of the output says in which format."""
    return WRITERS[format_of(job.out)].write(job, staged)


def write_plain(table: pa.Table, staged: StagedFile) -> None:
    """Write a small table of texts and whole numbers to a staged file, in the format of the suffix of its target."""
    WRITERS[format_of(staged.given)].write_plain(table.combine_chunks(), staged)


def beside_warnings(out: str) -> dict[str, str]:
    """Return a warning, by path, for each file that others may leave beside an output and that misleads its readers."""
    folder, name = os.path.split(out)
    writer = WRITERS.get(FORMATS.get(os.path.splitext(name)[1].lower(), ""))
    paths = [os.path.join(folder, other.format(name)) for other in (writer.beside if writer else ())]
    return {path: f"{path} does not know the new {name} and misleads Spark; remove it" for path in paths}
