"""Airflow 3: a task per table of a manifest, then one for the report of all.

Wrong labels fail at once. What may pass, such as a full disk, is tried again.
"""

from __future__ import annotations

import logging
import os
from datetime import timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

import moslabels

MANIFEST = os.environ.get("MANIFEST", "/data/labels/manifest.json")
REPORTS = os.environ.get("REPORTS", "/data/labels/out")
RETRY_DELAY = timedelta(seconds=float(os.environ.get("RETRY_SECONDS", "300")))
TRY_AGAIN = {"resources", "in-use", "changed", "file-system"}
log = logging.getLogger(__name__)


@task
def table_ids() -> list[str]:
    return [table.id for table in moslabels.load_manifest(MANIFEST).tables if table.id]


@task(retries=2, retry_delay=RETRY_DELAY)
def label(table_id: str) -> float:
    """Label one table as its manifest says, unless it still fits its audit. Return its match rate."""
    report = moslabels.run_batch(MANIFEST, tables=[table_id], skip_unchanged=True, memory_limit="4GB", threads=2)
    (entry,) = report["tables"]
    for warning in entry.get("warnings", ()):
        log.warning("%s: %s", table_id, warning)
    if entry["status"] != "error":
        return entry["summary"]["match_rate"]
    told = f"{entry['error_code']}: {entry['error']}"
    raise RuntimeError(told) if entry["error_code"] in TRY_AGAIN else AirflowFailException(told)


@task(trigger_rule="all_done")
def report() -> None:
    """Write the report of all tables. Those that are done are skipped; those that failed are tried once more."""
    found = moslabels.run_batch(
        MANIFEST,
        skip_unchanged=True,
        report_json=f"{REPORTS}/report.json",
        report_html=f"{REPORTS}/report.html",
    )
    if found["status"] == "failed":
        raise AirflowFailException(f"{found['summary']['failed_tables']} tables failed")


@dag(schedule="@weekly", catchup=False)
def mos_labels() -> None:
    label.expand(table_id=table_ids()) >> report()


mos_labels()
