"""Requests done by Spark: each is a row of a table that its workers map. Spark Connect and Sail do the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, suppress
from threading import Thread
from typing import Any, Self

import pyarrow as pa
from pyspark.sql import functions

from moslabels.base.errors import TableError
from moslabels.base.progress import Progress
from moslabels.base.settings import Settings
from moslabels.parts.anywhere import anywhere
from moslabels.parts.spark_session import session_of, words

_SECONDS_BETWEEN_LOOKS = 0.1
_SECONDS_TO_END = 30
_TRIES = 2
_WAVES = 2
"""A second wave runs beside the first, so that no worker waits until the last task of a wave is done."""
_MOST_BYTES = 1 << 26
"""The most bytes of the requests of a wave. Spark Connect takes messages of 128 MB."""
_ROWS = 1 << 16
_ANSWERS = "number bigint, answer binary"

Wave = Sequence[tuple[int, bytes]]


class OnSpark:
    """Does requests by Spark, in waves of as many tasks as it does at a time.

    It uses the session of the caller, or else one of the address, which ends with the run.
    """

    def __init__(self, address: str | None, settings: Settings, progress: Progress) -> None:
        self._address = address
        self._most = settings.workers
        self._progress = progress
        self._opened = ExitStack()
        self._session: Any = None
        self._tag = f"moslabels-{os.urandom(8).hex()}"
        self._is_ended = False

    def __enter__(self) -> Self:
        self._session = self._opened.enter_context(session_of(self._address))
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def answers(self, requests: Iterable[bytes]) -> Generator[tuple[int, bytes]]:
        left = enumerate(requests)
        running: set[Future[Wave]] = set()
        try:
            while True:
                while len(running) < _WAVES and (wave := self._wave(left)):
                    running.add(_in_thread(self._do, wave))
                if not running:
                    return
                done, running = wait(running, _SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
                self._progress.running("label", None, 0)
                for future in done:
                    yield from future.result()
        finally:
            if running:
                self._interrupt()
                wait(running, _SECONDS_TO_END)

    def _wave(self, left: Iterator[tuple[int, bytes]]) -> Wave:
        """Return the next requests: one for each task that Spark does at a time."""
        if self._most is None:
            # By default Spark makes as many partitions of numbers as it has processors.
            partitions = self._session.range(_ROWS).select(functions.spark_partition_id())
            self._most = int(partitions.distinct().count())
        wave: list[tuple[int, bytes]] = []
        size = 0
        while len(wave) < self._most and size < _MOST_BYTES and (following := next(left, None)) is not None:
            wave.append(following)
            size += len(following[1])
        return wave

    def _do(self, wave: Wave) -> Wave:
        """Do requests, and return their answers. If that fails, try once more: a worker may have been killed."""
        self._add_tag()
        numbers, requests = zip(*wave, strict=True)
        table = pa.table({"number": pa.array(numbers, pa.int64()), "request": pa.array(requests, pa.binary())})
        for number in range(_TRIES):
            try:
                # From one partition, rows are dealt out evenly: one for each task.
                rows = self._session.createDataFrame(table).coalesce(1).repartition(len(wave))
                found = rows.mapInArrow(_mapped(anywhere()), _ANSWERS).toArrow()
                return list(zip(found["number"].to_pylist(), found["answer"].to_pylist(), strict=True))
            except Exception as error:
                if self._is_ended or number == _TRIES - 1:
                    raise TableError(
                        f"Spark could not do tasks, although it tried twice: {words(error)}. Run again: the parts that "
                        "were finished are kept",
                        code="resources",
                    ) from error
        raise AssertionError

    def _add_tag(self) -> None:
        """Mark what this thread lets Spark do, so that it can be ended."""
        if hasattr(self._session, "sparkContext"):
            self._session.sparkContext.addJobTag(self._tag)  # The tags of the session itself do not reach toArrow.
        else:
            self._session.addTag(self._tag)

    def _interrupt(self) -> None:
        self._is_ended = True
        with suppress(Exception):  # Spark may be gone already.
            if hasattr(self._session, "sparkContext"):
                self._session.sparkContext.cancelJobsWithTag(self._tag)
            else:
                self._session.interruptTag(self._tag)


def _mapped(answer: Callable[[bytes], bytes]) -> Callable[[Iterator[Any]], Iterator[Any]]:
    def map_batches(batches: Iterator[Any]) -> Iterator[Any]:
        # As in ``anywhere``, nothing of this module comes along.
        import pyarrow

        names = ["number", "answer"]
        for batch in batches:
            for number, request in zip(batch.column(0).to_pylist(), batch.column(1).to_pylist(), strict=True):
                columns = [pyarrow.array([number], pyarrow.int64()), pyarrow.array([answer(request)], pyarrow.binary())]
                yield pyarrow.RecordBatch.from_arrays(columns, names)

    return map_batches


def _in_thread(do: Callable[[Wave], Wave], wave: Wave) -> Future[Wave]:
    """Do a wave in a thread for which the end of the process does not wait."""
    future: Future[Wave] = Future()

    def work() -> None:
        try:
            future.set_result(do(wave))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=work, name="moslabels-spark", daemon=True).start()
    return future
