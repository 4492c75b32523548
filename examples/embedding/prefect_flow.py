"""Prefect: a batch as a flow. A retry runs only the tables that are not done; wrong labels are not tried again."""

from __future__ import annotations

from prefect import flow, get_run_logger, task

import moslabels

TRY_AGAIN = {"resources", "in-use", "changed", "file-system"}


@task(retries=2, retry_delay_seconds=60)
def label_tables(manifest: str) -> dict[str, str]:
    """The codes of the tables that failed, by their ids."""
    logger = get_run_logger()

    def say(entry: dict) -> None:
        logger.info("%s: %s", entry["id"], entry.get("error") or entry["status"])

    report = moslabels.run_batch(manifest, skip_unchanged=True, on_table=say)
    failed = {entry["id"]: entry["error_code"] for entry in report["tables"] if entry["status"] == "error"}
    if TRY_AGAIN & set(failed.values()):
        raise RuntimeError(f"to be tried again: {failed}")
    return failed


@flow
def refresh(manifest: str = "/data/labels/manifest.json") -> None:
    if failed := label_tables(manifest):
        raise RuntimeError(f"tables that failed: {failed}")


if __name__ == "__main__":
    refresh()
