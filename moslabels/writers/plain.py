"""A small table of texts and whole numbers, in any format."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq

from moslabels.files.staged import StagedFile
from moslabels.sources.opening import Dialect
from moslabels.spec.formats import default_delimiter, format_of
from moslabels.writers import csv, json
from moslabels.writers.texts import TEXT, ValueTexts, joined, values_buffer


def write(table: pa.Table, staged: StagedFile) -> None:
    """Write a table to a staged file, in the format of the suffix of its target."""
    path = staged.given
    kind = format_of(path)
    table = table.combine_chunks()
    if kind == "parquet":
        pq.write_table(table, staged)
    elif kind == "csv":
        dialect = Dialect(delimiter=default_delimiter(path))
        names = csv.cell_texts(pa.array(table.column_names, TEXT), dialect).to_pylist()
        staged.write((dialect.delimiter.join(names) + "\n").encode())
        staged.write(values_buffer(joined(csv.record_texts(table, dialect, ValueTexts(path)), "\n")))
    else:
        rows = joined("{", json.member_texts(table, ValueTexts(path)), "}")
        if kind == "jsonl":
            staged.write(values_buffer(joined(rows, "\n")))
        else:
            staged.write(b'{"rows": [')
            staged.write(values_buffer(joined(",\n", rows))[1:])
            staged.write(b"\n]}\n")
