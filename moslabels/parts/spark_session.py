"""The session of Spark that a run uses."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyspark.sql import SparkSession

from moslabels.base.errors import TableError, UsageError
from moslabels.base.signals import handlers_kept

_GIVEN = ("PYSPARK_GATEWAY_PORT", "SPARK_REMOTE")
"""The variables of a session that waits to be used: that of spark-submit, and that of a Spark Connect server."""
_PYTHON = "PYSPARK_PYTHON"


@contextmanager
def session_of(address: str | None) -> Iterator[Any]:
    """Yield the active session, or make one, which ends with the block.

    Raise UsageError if the address does not fit, and TableError if Spark cannot begin.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="pyspark")
        active = SparkSession.getActiveSession()
        if problem := _problem(address, active is not None):
            raise UsageError("the arguments are wrong:", [f"address: {problem}"])
        if active is not None:
            yield active
            return
        with handlers_kept():
            try:
                session = _made(address)
            except Exception as error:
                raise TableError(f"Spark cannot begin: {words(error)}", code="resources") from error
        try:
            yield session
        finally:
            with handlers_kept():
                session.stop()


def _problem(address: str | None, is_active: bool) -> str | None:
    if address is None:
        is_given = is_active or any(name in os.environ for name in _GIVEN)
        return None if is_given else "no Spark session is active; name a master, such as local[2] or yarn, or sc://HOST"
    if is_active:
        return "a Spark session is active already; leave out the address, or stop that session first"
    if "token=" in address.lower():
        return "it would be seen in the evidence, and holds a token; set the variable SPARK_REMOTE to it instead"
    return None


def _made(address: str | None) -> Any:
    builder: Any = SparkSession.builder
    builder = builder.appName("moslabels")
    if address is None:
        return builder.getOrCreate()
    if address.startswith("sc://"):
        return builder.remote(address).getOrCreate()
    # The bar would be written over that of moslabels.
    builder = builder.master(address).config("spark.ui.showConsoleProgress", "false")
    if not address.startswith("local") or _PYTHON in os.environ:
        return builder.getOrCreate()
    os.environ[_PYTHON] = sys.executable
    try:
        return builder.getOrCreate()
    finally:
        del os.environ[_PYTHON]


def words(error: BaseException) -> str:
    """Return the kind of an error and the last line of what it says that is not about Spark itself."""
    lines = [line.strip() for line in str(error).splitlines()]
    told = [line for line in lines if line and not line.startswith(("at ", "...", "SQLSTATE", "JVM stacktrace"))]
    return f"{type(error).__name__}: {told[-1][:500] if told else ''}"
