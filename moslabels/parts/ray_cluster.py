"""The connection to a Ray cluster, with the code of this process for its workers."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import ray
import ray._private.worker

from moslabels.base.errors import TableError
from moslabels.base.signals import handlers_kept
from moslabels.engine.statements import sql_folder

_SECONDS_TO_ANSWER = 20
_QUIET = {"log_to_driver": False, "logging_level": "CRITICAL"}
_JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Ray sets it for what runs as a job of a cluster."""
_TELEMETRY = "RAY_USAGE_STATS_ENABLED"


@contextmanager
def connected(address: str | None, workers: int | None, threads: int) -> Iterator[bool]:
    """Connect to the cluster of an address, of ``RAY_ADDRESS``, or of this machine. If none is there, start one.

    Yield whether it was started here: it is then ended again. Raise TableError if Ray cannot begin.
    """
    where = address or os.environ.get("RAY_ADDRESS")
    with handlers_kept(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="ray")
        try:
            is_own = _connect(where, workers, threads)
        except (ConnectionError, RuntimeError, ValueError) as error:
            ray.shutdown()
            at = f" at {where}" if where else ""
            raise TableError(f"Ray cannot begin{at}: {words(error)}", code="resources") from error
    # It prints to standard output whatever befalls a worker, even if it is told not to log.
    ray._private.worker._worker_logs_enabled = False
    try:
        yield is_own
    finally:
        with handlers_kept():
            ray.shutdown()
        ray._private.worker._worker_logs_enabled = True


def _connect(where: str | None, workers: int | None, threads: int) -> bool:
    """Connect to a cluster. Return whether it was started."""
    if where != "local":
        try:
            _join(where or "auto")
        except ConnectionError:
            if where is not None:
                raise
        else:
            return False
    processors = workers and workers * threads
    telemetry = os.environ.get(_TELEMETRY)
    os.environ[_TELEMETRY] = "0"
    try:
        ray.init("local", num_cpus=processors, include_dashboard=False, **_QUIET)
    finally:
        os.environ.pop(_TELEMETRY)
        if telemetry is not None:
            os.environ[_TELEMETRY] = telemetry
    return True


def _join(where: str) -> None:
    """Connect to a cluster that is there. Its workers get the code of this process, whatever is installed there."""
    _check_answer(where)
    if _JOB in os.environ:  # The job has brought its code.
        ray.init(where, **_QUIET)
        return
    with tempfile.TemporaryDirectory() as folder:
        ray.init(where, runtime_env={"py_modules": [_package(folder)]}, **_QUIET)


def _package(folder: str) -> str:
    """Copy the package into a folder, as it is when installed: with the statements in it."""
    package = os.path.join(folder, "moslabels")
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    no_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(here, package, ignore=no_caches)
    shutil.copytree(sql_folder(), os.path.join(package, "sql"), ignore=no_caches, dirs_exist_ok=True)
    return package


def _check_answer(where: str) -> None:
    """Raise ConnectionError if nobody answers at an address. Ray itself would try for minutes."""
    parts = urlsplit(where if "://" in where else f"//{where}")
    if parts.hostname is None or parts.port is None:
        return
    try:
        socket.create_connection((parts.hostname, parts.port), _SECONDS_TO_ANSWER).close()
    except OSError as error:
        raise ConnectionError(f"nobody answers there: {error.strerror or error}") from None


def words(error: BaseException) -> str:
    """Return what an error says in its last line. That of another may lie behind it."""
    while isinstance(error, ConnectionError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    lines: list[Any] = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[-1].strip()}"
