"""Airflow 3: a task per table of a manifest. Wrong labels fail at once; what the machine lacked is tried again."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import dag, task
from airflow.sdk.exceptions import AirflowFailException

import moslabels

MANIFEST = "/data/labels/manifest.json"
TRY_AGAIN = {"resources", "in-use", "changed", "file-system"}


@task
def table_ids() -> list[str]:
    return [table.id for table in moslabels.load_manifest(MANIFEST).tables]


@task(retries=2, retry_delay=timedelta(minutes=5))
def label(table_id: str) -> float:
    (table,) = [table for table in moslabels.load_manifest(MANIFEST).tables if table.id == table_id]
    try:
        audit = moslabels.materialize(
            table.features,
            [{"path": label.path, **label.config} for label in table.labels],
            table.out,
            audit_json=table.audit_json,
            memory_limit="4GB",
            threads=2,
            **table.config,
        )
    except moslabels.MosLabelsError as error:
        if error.code in TRY_AGAIN:
            raise
        raise AirflowFailException(f"{error.code}: {error}") from error
    return audit["match_rate"]


@dag(schedule="@weekly", catchup=False)
def mos_labels() -> None:
    label.expand(table_id=table_ids())


mos_labels()
