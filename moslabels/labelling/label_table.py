"""The label columns as an Arrow table, and where in it each label is."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError
from moslabels.engine.connection import Engine
from moslabels.engine.statements import Statement, render
from moslabels.labelling.labels import Labels
from moslabels.sources.constants import one_array

_BATCH = 1 << 17


@dataclass(frozen=True)
class LabelTable:
    """The label columns under their output names: a row per label, in order, and a last one for none.

    Texts are dictionaries. ``places`` has the row of each label by its number, or is None if that is its number.
    """

    table: pa.Table
    places: pa.Int32Array | None

    def positions(self, label_ids: pa.ChunkedArray) -> pa.ChunkedArray:
        """Return the rows of labels by their numbers. Raise TableError if the table lacks one."""
        if self.places is None:
            return label_ids
        found = pa.chunked_array([self.places.take(chunk) for chunk in label_ids.chunks], pa.int32())
        if found.null_count:
            raise _inconsistent("a feature row has a label that was not read")
        return found

    def decoded(self) -> LabelTable:
        """Return the same with texts as texts."""
        return LabelTable(decoded(self.table), self.places)


def decoded(table: pa.Table) -> pa.Table:
    """Return a table with texts in place of dictionaries."""
    return table.cast(pa.schema([_decoded(field) for field in table.schema]))


def _decoded(field: pa.Field) -> pa.Field:
    return field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field


def label_columns_statement(labels: Labels, which: str = "all") -> Statement:
    """Return the statement of the label columns: one row per label, and a last one for rows without a label.

    They are of ``all`` labels, of those that are ``used`` by features, or of all with a column that says which are
    ``marked`` as used.
    """
    return render("labels/60_label_columns", {"missing": labels.missing_id}, typed_extras=labels.extras, which=which)


def label_table(engine: Engine, labels: Labels, status_column: str, only_used: bool = False) -> LabelTable:
    """Return the label columns, with ``only_used`` of the labels that features use, of which there must be some.

    Dictionaries have the texts of all labels, in their order, also where few are used.
    """
    has_texts = len(labels.files) > 1 or any(extra.sql_type == "VARCHAR" for extra in labels.extras)
    which = "all" if not only_used else "marked" if has_texts else "used"
    return engine.with_more_memory(lambda: _label_table(engine, labels, labels.column_names(status_column), which))


def _label_table(engine: Engine, labels: Labels, names: list[str], which: str) -> LabelTable:
    schema, batches = engine.stream(label_columns_statement(labels, which), _BATCH, is_held=True)
    kinds = [_kind(field.type) for field in list(schema)[: len(names)]]
    columns: list[list[pa.Array]] = [[] for _ in names]
    label_ids: list[pa.Array] = []
    for batch in batches:
        is_used = batch.column(len(names) + 1) if which == "marked" else None
        read = [_encoded(values, kind) for values, kind in zip(batch.columns, [*kinds, pa.int32()], strict=False)]
        for parts, values in zip([*columns, label_ids], read, strict=True):
            parts.append(values if is_used is None else values.filter(is_used))
    arrays = [_one(parts, kind) for parts, kind in zip(columns, kinds, strict=True)]
    return LabelTable(pa.Table.from_arrays(arrays, names=names), _places(_one(label_ids, pa.int32())))


def _kind(kind: pa.DataType) -> pa.DataType:
    """Return the type of a label column. A connection of a caller's may have settings for texts of other kinds."""
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return pa.dictionary(pa.int32(), pa.string()) if is_text else kind


def _encoded(values: pa.Array, kind: pa.DataType) -> pa.Array:
    return values.cast(pa.string()).dictionary_encode() if pa.types.is_dictionary(kind) else values


def _one(parts: list[pa.Array], kind: pa.DataType) -> pa.Array:
    column = pa.chunked_array(parts, kind)
    return one_array(column.unify_dictionaries() if pa.types.is_dictionary(kind) else column)


def _places(label_ids: pa.Int32Array) -> pa.Int32Array | None:
    """Return the place of each number in a list of numbers, NULL for one that is not there; None if each is its own.

    Raise TableError if they are not in order.
    """
    last = label_ids[-1].as_py()
    if not pc.all(pc.less(label_ids.slice(0, len(label_ids) - 1), label_ids.slice(1)), min_count=0).as_py():
        raise _inconsistent("the labels were not read in their order")
    if last == len(label_ids) - 1:
        return None
    return pc.inverse_permutation(pa.concat_arrays([label_ids, pa.nulls(last + 1 - len(label_ids), pa.int32())]))


def _inconsistent(what: str) -> TableError:
    return TableError(f"{what}, so nothing was written: run again", code="miscount")
