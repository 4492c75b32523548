"""The label columns as an Arrow table, and where in it each label is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement, render
from moslabels.labelling.labels import Labels
from moslabels.sources.arrays import ascends, longest, words_in_use
from moslabels.sources.constants import integer, one_array, texts_of
from moslabels.spec.names import SOURCE_COLUMN

_BATCH = 1 << 17
_NEARLY_ALL = 0.9
_MOST_OF_A_TEXT = 2**31 - 1  # bytes of a chunk of a column of texts


@dataclass(frozen=True)
class LabelTable:
    """The label columns under their output names: a row per label, in order, and a last one for none.

    Texts are dictionaries. ``places`` has the row of each label by its number, or is None if that is its number.
    Of texts as texts, ``longest`` is how many bytes the longest has.
    """

    table: pa.Table
    places: pa.Int32Array | None
    longest: int = 0

    def positions(self, label_ids: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return the rows of labels by their numbers. Raise TableError if the table lacks one."""
        if self.places is None:
            return label_ids
        found = pa.chunked_array([self.places.take(chunk) for chunk in label_ids.chunks], pa.int32())
        if found.null_count:
            raise _inconsistent("a feature row has a label that was not read")
        return found

    def taken(self, positions: pa.ChunkedArray) -> pa.Table:
        """Return the rows at these positions, of a table whose texts are texts."""
        rows = max(1, _MOST_OF_A_TEXT // max(1, self.longest))
        chunks = [
            self.table.take(chunk.slice(start, rows))
            for chunk in positions.chunks
            for start in range(0, len(chunk), rows)
        ]
        return pa.concat_tables(chunks) if chunks else self.table.slice(0, 0)

    def decoded(self) -> LabelTable:
        """Return the same with texts as texts."""
        table = decoded(self.table)
        texts = [column for column in table.columns if pa.types.is_string(column.type)]
        return LabelTable(table, self.places, max(map(longest, texts)))


def decoded(table: pa.Table) -> pa.Table:
    """Return a table with texts in place of dictionaries."""
    return table.cast(pa.schema([_decoded(field) for field in table.schema]))


def _decoded(field: pa.Field) -> pa.Field:
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


def label_columns_statement(labels: Labels, *, is_of_used: bool = False) -> Statement:
    """Return the statement of the label columns: one row per label, and a last one for rows without a label.

    They are of all labels, or of those alone that features use.
    """
    return render(
        "labels/60_label_columns", {"missing": labels.missing_id}, typed_extras=labels.extras, is_of_used=is_of_used
    )


def label_table(engine: Engine, labels: Labels, status_column: str, used: int = 0) -> LabelTable:
    """Return the label columns: of the labels that features use if so many are ``used``, of all if none or nearly all.

    Dictionaries have the texts of these labels, in their order.
    """
    has_texts = len(labels.files) > 1 or any(extra.sql_type == "VARCHAR" for extra in labels.extras)
    # To look for nearly all among all takes longer than to read some more, which leaves dictionaries of one file as is.
    enough = labels.count if has_texts else _NEARLY_ALL * labels.count
    statement = label_columns_statement(labels, is_of_used=0 < used < enough)
    engine.let_go()  # What the join took and left is room for millions of labels.
    return engine.with_more_memory(lambda: _label_table(engine, labels, labels.column_names(status_column), statement))


def _label_table(engine: Engine, labels: Labels, names: list[str], statement: Statement) -> LabelTable:
    schema, batches = engine.stream(statement, _BATCH, is_held=True)
    kinds = [_kind(field.type) for field in list(schema)[: len(names)]]
    columns = [_grown(kind, labels.count + 1) for kind in kinds]
    label_ids = _Numbers(pa.int32(), labels.missing_id + 1)
    for batch in batches:
        for column, values in zip([*columns, label_ids], batch.columns, strict=True):
            column.add(values)
    engine.let_go()  # Nor does the rest need what sorting them took.
    arrays = [column.array() for column in columns]
    source = names.index(SOURCE_COLUMN)
    arrays[source] = _paths(arrays[source], [file.given for file in labels.files])
    return LabelTable(pa.Table.from_arrays(arrays, names=names), _places(label_ids))


def _paths(files: pa.Int32Array, paths: Sequence[str]) -> pa.DictionaryArray:
    """Return the paths of label files by their numbers, and an empty text for NULL."""
    texts = texts_of([*paths, ""]).cast(pa.string()).dictionary_encode()
    codes = texts.indices.take(pc.fill_null(files, integer(len(paths))[0]))
    return _without_unused(pa.DictionaryArray.from_arrays(codes, texts.dictionary))


class _Numbers:
    """A column of numbers that grows by batches, in room for the most rows it can have.

    To hold batches and then join them would take twice the memory. Room that nothing is written to takes none.
    """

    def __init__(self, kind: pa.DataType, most: int) -> None:
        self.rows = 0
        self._kind, self._most = kind, most
        self._width = kind.bit_width // 8
        self._room = pa.allocate_buffer(most * self._width)
        self._is_valid: list[pa.Array] = []

    def add(self, values: pa.Array) -> None:
        """Append values. Raise TableError if there is no room."""
        rows, width = len(values), self._width
        if not rows:
            return
        if self.rows + rows > self._most:
            raise _inconsistent(f"{self._most} labels were counted, and there are more")
        data = memoryview(values.buffers()[1])[values.offset * width : (values.offset + rows) * width]
        memoryview(self._room)[self.rows * width : (self.rows + rows) * width] = data
        self._is_valid.append(_copied(values.is_valid()))
        self.rows += rows

    def array(self, nulls: int = 0) -> pa.Array:
        """Return the values, and so many nulls after them."""
        is_valid = pa.chunked_array([*self._is_valid, _falses(nulls)]).combine_chunks()
        return pa.Array.from_buffers(self._kind, len(is_valid), [is_valid.buffers()[1], self._room])


class _Values:
    """A column of other values that grows by batches. Texts are dictionaries."""

    def __init__(self, kind: pa.DataType) -> None:
        self._kind = kind
        self._parts: list[pa.Array] = []

    def add(self, values: pa.Array) -> None:
        """Append values."""
        if pa.types.is_dictionary(values.type):
            codes, texts = values.indices.cast(pa.int32()), values.dictionary.cast(pa.string())
            values = pa.DictionaryArray.from_arrays(codes, _copied(texts))
        elif pa.types.is_dictionary(self._kind):
            values = values.cast(pa.string()).dictionary_encode()
        self._parts.append(_copied(values))

    def array(self) -> pa.Array:
        """Return the values. What is joined to one array is let go of."""
        column, self._parts = pa.chunked_array(self._parts, self._kind), []
        is_text = pa.types.is_dictionary(self._kind)
        return _without_unused(one_array(column.unify_dictionaries())) if is_text else one_array(column)


def _without_unused(values: pa.DictionaryArray) -> pa.DictionaryArray:
    """Return texts with a dictionary of those that are there, in their order."""
    used = words_in_use(values.indices)
    if len(used) == len(values.dictionary):
        return values
    codes = pc.index_in(values.indices, value_set=used)
    return pa.DictionaryArray.from_arrays(codes, values.dictionary.take(used))


def _grown(kind: pa.DataType, most: int) -> _Numbers | _Values:
    is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return _Numbers(kind, most) if is_number else _Values(kind)


def _copied(values: pa.Array) -> pa.Array:
    """Return a copy. Whatever shares some bytes with a batch of DuckDB's would keep the whole batch."""
    return pa.concat_arrays([values])


def _falses(count: int) -> pa.Array:
    return pa.Array.from_buffers(pa.bool_(), count, [None, pa.py_buffer(bytes((count + 7) // 8))])


def _kind(kind: pa.DataType) -> pa.DataType:
    """Return the type of a label column. A connection of a caller's may have settings for texts of other kinds."""
    is_plain_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    is_text = is_plain_text or pa.types.is_dictionary(kind)
    return pa.dictionary(pa.int32(), pa.string()) if is_text else kind


def _places(label_ids: _Numbers) -> pa.Int32Array | None:
    """Return the place of each number in a list of numbers, NULL for one that is not there; None if each is its own.

    Raise TableError if they are not in order.
    """
    ids = label_ids.array()
    last = ids[-1].as_py()
    if not ascends(ids):
        raise _inconsistent("the labels were not read in their order")
    if last == len(ids) - 1:
        return None
    return pc.inverse_permutation(label_ids.array(nulls=last + 1 - len(ids)))


def _inconsistent(what: str) -> TableError:
    return TableError(f"{what}, so nothing was written: run again", code="miscount")
