"""Texts of the values of Arrow arrays, for JSON and CSV. Each function converts a whole array at once."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc

from moslabels.base.errors import TableError
from moslabels.base.text import listed, shown
from moslabels.sources.constants import NO_TEXT, TEXT, text_of, texts_of, zeros

_NULL, _POINT, _NOTHING = map(text_of, ("null", ".0", ""))
_ESCAPES = {chr(code): json.dumps(chr(code))[1:-1] for code in range(32)}
_DECIMALS = {"s": 0, "ms": 3, "us": 6, "ns": 9}


class ValueTexts:
    """Turns columns into text.

    NaN and infinite numbers become null, because JSON has no text for them. ``nulled`` counts them.
    """

    def __init__(self, path: str) -> None:
        self.nulled = 0
        self._path = path

    def json(self, array: pa.Array, column: str) -> pa.Array:
        """Return each value as JSON text, ``null`` if it is missing. Raise TableError if values are binary."""
        return pc.fill_null(self._json(array, column), _NULL)

    def plain(self, array: pa.Array, column: str) -> pa.Array:
        """Return each value as bare text, missing if the value is. Raise TableError if values are binary or nested."""
        kind = array.type
        if isinstance(array, pa.ExtensionArray):
            return self.plain(array.storage, column)
        if pa.types.is_dictionary(kind):
            return self.plain(array.dictionary_decode(), column)
        if pa.types.is_null(kind):
            return pa.nulls(len(array), TEXT)
        if pa.types.is_floating(kind):
            return self._float(array)
        if pa.types.is_timestamp(kind):
            # An instant is written in UTC, so that readers need no time zones. A time without a zone stays without.
            zoned = array if kind.tz is None else array.cast(pa.timestamp(kind.unit, "UTC"))
            return pc.replace_substring(zoned.cast(TEXT), " ", "T", max_replacements=1)
        if pa.types.is_duration(kind):
            return _duration(array)
        if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            return array.cast(TEXT)
        if pa.types.is_date(kind) or pa.types.is_time(kind):
            return array.cast(TEXT)
        if _is_text(kind):
            array = array.cast(TEXT)
            self._check_utf8(array, column)
            return array
        raise self._refused(column, f"is of type {kind}, which has no text here; leave it out")

    def key(self, array: pa.Array, column: str) -> pa.Array:
        """Return the values of a key column as bare text. The number 12.0 is the key 12, so its text is 12 too."""
        text = self.plain(array, column)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if pa.types.is_floating(array.type):
            number = array.cast(pa.float32()).cast(pa.float64()) if array.type != pa.float64() else array
            return pc.if_else(pc.is_finite(number), number, None).cast(pa.int64()).cast(TEXT)
        return pc.replace_substring_regex(text, r"\.0*$", "") if pa.types.is_decimal(array.type) else text

    def _refused(self, column: str, why: str) -> TableError:
        return TableError(
            f"{self._path}: column {shown(column)} {why}", code="cannot-hold", file=self._path, column=column
        )

    def _check_utf8(self, array: pa.Array, column: str) -> None:
        try:
            array.validate(full=True)
        except pa.ArrowInvalid as error:
            raise self._refused(column, f"holds text that is not UTF-8: {error}") from error

    def _json(self, array: pa.Array, column: str) -> pa.Array:
        kind = array.type
        if isinstance(array, pa.ExtensionArray):
            return self._json(array.storage, column)
        if pa.types.is_dictionary(kind):
            return self._json(array.dictionary_decode(), column)
        if pa.types.is_struct(kind):
            return self._struct(array, column)
        if pa.types.is_map(kind):
            entries = pa.struct([("key", kind.key_type), ("value", kind.item_type)])
            return self._json(array.cast(pa.list_(entries)), column)
        if _is_list(kind):
            return self._list(array, column)
        text = self.plain(array, column)
        if pa.types.is_boolean(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            return text
        if pa.types.is_floating(kind) or pa.types.is_null(kind):
            return text
        return quoted(text)

    def _float(self, array: pa.Array) -> pa.Array:
        """Return the shortest text that reads back as the same value. 5.0 keeps its point, to stay a DOUBLE."""
        finite = pc.is_finite(array if array.type != pa.float16() else array.cast(pa.float32()))
        self.nulled += len(array) - array.null_count - pc.sum(finite, min_count=0).as_py()
        text = pc.if_else(finite, array.cast(TEXT), NO_TEXT)
        whole = pc.match_substring_regex(text, "^-?[0-9]+$")
        return pc.if_else(whole, pc.binary_join_element_wise(text, _POINT, _NOTHING), text)

    def _list(self, array: pa.Array, column: str) -> pa.Array:
        lengths = pc.if_else(array.is_valid(), pc.list_value_length(array).cast(pa.int64()), zeros(1)[0])
        offsets = pa.concat_arrays([zeros(1), pc.cumulative_sum(lengths)])
        items = self.json(array.flatten(), column)
        texts = pc.binary_join(pa.LargeListArray.from_arrays(offsets, items), text_of(", "))
        return pc.if_else(array.is_valid(), joined("[", texts, "]"), NO_TEXT)

    def _struct(self, array: pa.StructArray, column: str) -> pa.Array:
        names = [field.name for field in array.type]
        if len(set(names)) < len(names):
            raise self._refused(column, f"is a struct with one member twice: {listed(names)}")
        parts: list[pa.Array | str] = []
        for index, (name, values) in enumerate(zip(names, array.flatten(), strict=True)):
            parts += [f"{', ' if index else ''}{json_name(name)}: ", self.json(values, column)]
        text = joined("{", *parts, "}") if parts else texts_of(["{}"] * len(array))
        return pc.if_else(array.is_valid(), text, NO_TEXT)


def without_text(table: pa.Table) -> pa.Array:
    """Return how many numbers in each row are NaN or infinite and so have no text. Columns must not be nested."""
    counts = zeros(len(table))
    for column in table.columns:
        if pa.types.is_floating(column.type):
            is_other = pc.and_kleene(column.is_valid(), pc.invert(pc.is_finite(column)))
            counts = pc.add(counts, is_other.cast(pa.int64()))
    return counts


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _duration(array: pa.Array) -> pa.Array:
    """Return ISO 8601 durations in seconds: PT1.500S, -PT2.000S."""
    ticks = array.cast(pa.int64()).cast(TEXT)
    places = _DECIMALS[array.type.unit]
    digits = pc.utf8_lpad(pc.utf8_ltrim(ticks, "-"), width=places + 1, padding="0")
    if places:
        digits = joined(
            pc.utf8_slice_codeunits(digits, 0, -places), ".", pc.utf8_slice_codeunits(digits, -places, 1 << 20)
        )
    return joined(pc.if_else(pc.starts_with(ticks, "-"), "-PT", "PT").cast(TEXT), digits, "S")


def joined(*parts: pa.Array | str) -> pa.Array:
    """Join arrays and constant texts, element by element."""
    return pc.binary_join_element_wise(*(text_of(part) if isinstance(part, str) else part for part in parts), _NOTHING)


def json_name(name: str) -> str:
    """Return a member's name as JSON text."""
    return json.dumps(name, ensure_ascii=False)


def quoted(text: pa.Array) -> pa.Array:
    """Return texts as JSON strings."""
    if pc.any(pc.match_substring_regex(text, '[\\x00-\\x1f"\\\\]')).as_py():
        text = pc.replace_substring(text, "\\", "\\\\")
        text = pc.replace_substring(text, '"', '\\"')
        for character, escape in _ESCAPES.items():
            if pc.any(pc.match_substring(text, character)).as_py():
                text = pc.replace_substring(text, character, escape)
    return joined('"', text, '"')


def values_buffer(text: pa.Array) -> memoryview:
    """Return the bytes of all texts of an array, one after the other, to be written to a file."""
    (text,) = text.chunks if isinstance(text, pa.ChunkedArray) else (text,)
    if not len(text):
        return memoryview(b"")
    _, offsets, data = text.buffers()
    places = memoryview(offsets).cast("q")
    return memoryview(data)[places[text.offset] : places[text.offset + len(text)]]
