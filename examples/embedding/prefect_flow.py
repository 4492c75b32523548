"""Prefect: a task per table of a manifest. What may pass is tried again; wrong labels fail their task at once."""

from __future__ import annotations

import os
from typing import Any

from prefect import Task, flow, get_run_logger, task
from prefect.client.schemas.objects import State, TaskRun

import moslabels

TRY_AGAIN = {"resources", "in-use", "changed", "file-system"}
RETRY_SECONDS = float(os.environ.get("RETRY_SECONDS", "60"))


class RefusedError(Exception):
    """A table that was not labelled, with the code of its error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code = code


async def may_pass(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    error = await state.aresult(raise_on_failure=False)
    return isinstance(error, RefusedError) and error.code in TRY_AGAIN


@task(retries=2, retry_delay_seconds=RETRY_SECONDS, retry_condition_fn=may_pass)
def label(manifest: str, table: str) -> float:
    """Label one table, and return its match rate."""
    (entry,) = moslabels.run_batch(manifest, tables=[table], skip_unchanged=True)["tables"]
    if entry["status"] == "error":
        raise RefusedError(entry["error_code"], entry["error"])
    for warning in entry.get("warnings", ()):
        get_run_logger().warning("%s: %s", table, warning)
    return entry["summary"]["match_rate"]


@flow
def refresh(manifest: str = "/data/labels/manifest.json") -> None:
    """Label all tables. A manifest that is wrong fails here, where nothing is tried again."""
    tables = [table.id for table in moslabels.load_manifest(manifest).tables if table.id]
    label.map(manifest, tables).result()


if __name__ == "__main__":
    refresh()
