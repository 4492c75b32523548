"""Airflow 3: a task per table of a manifest, then one for the report of all.

Wrong labels and a wrong manifest fail at once. What may pass, such as a full disk, is tried again. Warnings are in the
log of the task: moslabels logs them, and Airflow listens.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

import moslabels

MANIFEST = os.environ.get("MANIFEST", "/data/labels/manifest.json")
REPORTS = os.environ.get("REPORTS", "/data/labels/out")
RETRY_DELAY = timedelta(seconds=float(os.environ.get("RETRY_SECONDS", "300")))
TRY_AGAIN = {"resources", "in-use", "changed", "file-system"}


def failure(told: str, codes: Iterable[str]) -> Exception:
    """Return an exception that lets Airflow try again if all that failed may pass."""
    return RuntimeError(told) if TRY_AGAIN.issuperset(codes) else AirflowFailException(told)


def run_batch(**options: Any) -> moslabels.Report:
    try:
        return moslabels.run_batch(MANIFEST, skip_unchanged=True, **options)
    except moslabels.MosLabelsError as error:
        raise failure(f"{error.code}: {error}", [error.code]) from error


@task
def table_ids() -> list[str]:
    try:
        return [table.id for table in moslabels.load_manifest(MANIFEST).tables if table.id]
    except moslabels.UsageError as error:
        raise AirflowFailException(str(error)) from error


@task(retries=2, retry_delay=RETRY_DELAY)
def label(table_id: str) -> float:
    """Label one table as its manifest says, unless it still fits its audit. Return its match rate."""
    (entry,) = run_batch(tables=[table_id], memory_limit="4GB", threads=2)["tables"]
    if entry["status"] == "error":
        raise failure(f"{entry['error_code']}: {entry['error']}", [entry["error_code"]])
    return entry["summary"]["match_rate"]


@task(trigger_rule="all_done", retries=2, retry_delay=RETRY_DELAY)
def report() -> None:
    """Write the report of all tables. Those that are done are skipped; those that failed are tried once more."""
    found = run_batch(report_json=f"{REPORTS}/report.json", report_html=f"{REPORTS}/report.html")
    codes = [table["error_code"] for table in found["tables"] if table["status"] == "error"]
    if codes:
        raise failure(f"{len(codes)} tables failed", codes)


@dag(schedule="@weekly", catchup=False)
def mos_labels() -> None:
    label.expand(table_id=table_ids()) >> report()


mos_labels()
