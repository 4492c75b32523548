"""Batches of features with their label columns: the result of :meth:`Labeller.batches`."""

from __future__ import annotations

from collections.abc import Generator
from threading import RLock
from types import TracebackType

import pyarrow as pa

from moslabels.base.errors import UsageError
from moslabels.evidence.types import Audit


class LabelledBatches:
    """An iterator over batches of features with the label columns, and at its end the audit of all of them.

    It is read once. Threads may share it: each batch goes to one of them. It is a context manager: :meth:`close` lets
    go of what feeds it. Other packages can read it as an Arrow stream; an error reaches them as text.

    Attributes
    ----------
    schema : the columns of the features in order, and the label columns after them
    label_columns : the names of the label columns
    """

    def __init__(
        self, schema: pa.Schema, label_columns: list[str], batches: Generator[pa.RecordBatch, None, Audit]
    ) -> None:
        self.schema = schema
        self.label_columns = label_columns
        self._batches: Generator[pa.RecordBatch, None, Audit | None] = batches
        self._audit: Audit | None = None
        self._error: BaseException | None = None
        self._is_closed = False
        self._lock = RLock()

    @property
    def audit(self) -> Audit:
        """The audit, as :func:`join` returns it for all rows. Raise UsageError before the end of the batches."""
        if self._audit is None:
            raise UsageError("the audit is there when the last batch was read and the gate has passed")
        return self._audit

    def __iter__(self) -> LabelledBatches:
        return self

    def __next__(self) -> pa.RecordBatch:
        """Return the next batch. Raise GateError and TableError, again and again: after an error there is no end."""
        with self._lock:
            if self._error is not None:
                raise self._error
            if self._is_closed and self._audit is None:
                raise UsageError("the batches are closed, and were not read to their end")
            try:
                return next(self._batches)
            except StopIteration as end:
                if end.value is not None:
                    self._audit = end.value
                raise StopIteration from None
            except BaseException as error:
                self._error = error
                raise

    def close(self) -> None:
        """Let go of what feeds the batches. It may be closed twice."""
        with self._lock:
            self._is_closed = True
            self._batches.close()
            self._batches = _ended()  # In Python 3.13 a generator that never began holds its arguments after its end.

    def __enter__(self) -> LabelledBatches:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return the batches for another package. See
        https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html
        """
        return pa.RecordBatchReader.from_batches(self.schema, self).__arrow_c_stream__(requested_schema)


def _ended() -> Generator[pa.RecordBatch, None, None]:
    yield from ()
