"""The label columns of any feature rows: taken from those of the labels, and compared with what was read back."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.sources.arrays import repeated, words_in_use
from moslabels.sources.constants import one_array

_SLICE = 1 << 20
_FEW_ROWS = 1 << 10
_FEW_BYTES = 1 << 10


class LabelColumns:
    """The label columns, from which the rows of any feature rows are taken.

    Texts are dictionaries, because they are written and compared as such.
    """

    def __init__(self, table: pa.Table) -> None:
        self._values: list[pa.Array] = []
        for column in table.columns:
            values = one_array(column)
            self._values.append(values.dictionary_encode() if pa.types.is_string(values.type) else values)
        self.schema = pa.schema([(name, v.type) for name, v in zip(table.column_names, self._values, strict=True)])

    @property
    def texts(self) -> list[str]:
        """The names of the columns that are dictionaries."""
        return [field.name for field in self.schema if pa.types.is_dictionary(field.type)]

    def table(self, places: pa.Array) -> pa.Table:
        """Return a row of label columns for each place. Large dictionaries are cut to the texts of these rows."""
        parts = [_Runs.of(places.slice(start, _SLICE)) for start in range(0, len(places), _SLICE)]
        arrays = [pa.chunked_array(_taken(values, parts), values.type) for values in self._values]
        return pa.Table.from_arrays(arrays, schema=self.schema)


@dataclass(frozen=True)
class _Runs:
    """Rows of equal labels, one after the other: the label of each run, and the row after it.

    Frames of a clip have its label, so there are fewer runs than rows, and what is done for a run is done once. Few
    rows are not worth it: there, ``ends`` is None, and each row is a run.
    """

    rows: int
    places: pa.Array
    ends: pa.Array | None

    @classmethod
    def of(cls, places: pa.Array) -> _Runs:
        if len(places) < _FEW_ROWS:
            return cls(len(places), places, None)
        runs = pc.run_end_encode(places)
        return cls(len(places), runs.values, runs.run_ends)

    def of_rows(self, values: pa.Array) -> pa.Array:
        """Return a value per row from one per run."""
        if self.ends is None:
            return values
        return repeated(values, self.ends, self.rows)


def _taken(values: pa.Array, parts: list[_Runs]) -> list[pa.Array]:
    if not isinstance(values, pa.DictionaryArray):
        return [part.of_rows(values.take(part.places)) for part in parts]
    codes, dictionary = [values.indices.take(part.places) for part in parts], values.dictionary
    if dictionary.nbytes > _FEW_BYTES:
        # In their old order, so that a dictionary of which all is used stays the same.
        used = words_in_use(pa.chunked_array(codes, pa.int32()))
        codes, dictionary = [pc.index_in(part, value_set=used) for part in codes], dictionary.take(used)
    return [
        pa.DictionaryArray.from_arrays(part.of_rows(code), dictionary) for part, code in zip(parts, codes, strict=True)
    ]


def same(found: pa.ChunkedArray, planned: pa.ChunkedArray) -> bool:
    """Return whether two columns hold the same values. NaN counts as equal to NaN."""
    if len(found) != len(planned) or found.null_count != planned.null_count:
        return False
    if pa.types.is_dictionary(planned.type):
        words = planned.chunk(0).dictionary if planned.num_chunks else pa.array([], planned.type.value_type)
        codes = [_codes(part, words) for part in found.chunks]
        planned_codes = [part.indices for part in planned.chunks]
        return bool(pa.chunked_array(codes, pa.int32()).equals(pa.chunked_array(planned_codes, pa.int32())))
    planned = planned.cast(found.type)
    if found.equals(planned) or not pa.types.is_floating(planned.type):
        return bool(found.equals(planned))
    return bool(pc.is_nan(found).equals(pc.is_nan(planned)) and _without_nan(found).equals(_without_nan(planned)))


def _codes(part: pa.DictionaryArray, words: pa.Array) -> pa.Array:
    """Return the places of texts in a list of words, NULL for a text that is not among them."""
    if part.dictionary.equals(words):
        return part.indices
    return pc.index_in(part.dictionary, value_set=words).take(part.indices)


def _without_nan(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.is_nan(column), pa.scalar(0, column.type), column)
