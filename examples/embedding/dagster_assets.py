"""Dagster: the labelled table as an asset, with the numbers of its audit as metadata.

What may pass, such as a full disk, is tried again. Wrong labels fail at once.
"""

from __future__ import annotations

import os

import dagster as dg

import moslabels

DATA = os.environ.get("DATA", "/data")
TRY_AGAIN = {"resources", "in-use", "changed", "file-system"}
RETRIES = dg.RetryPolicy(max_retries=2, delay=float(os.environ.get("RETRY_SECONDS", "60")))
"""Without a policy Dagster tries nothing again, whatever a failure allows."""


@dg.asset(deps=["konvid_features", "konvid_labels"], retry_policy=RETRIES)
def konvid_labelled() -> dg.MaterializeResult[None]:
    try:
        audit = moslabels.materialize(
            f"{DATA}/konvid.parquet",
            [f"{DATA}/konvid_labels.csv"],
            f"{DATA}/konvid_mos.parquet",
            audit_json=f"{DATA}/konvid_mos.audit.json",
            feature_key_regex="([0-9]{6,})_",
            label_key_column="flickr_id",
        )
    except moslabels.MosLabelsError as error:
        metadata = {"code": error.code, "file": error.file, "column": error.column, "row": error.row}
        raise dg.Failure(
            str(error),
            metadata={name: value for name, value in metadata.items() if value is not None},
            allow_retries=error.code in TRY_AGAIN,
        ) from error
    for warning in audit["warnings"]:
        dg.get_dagster_logger().warning(warning)
    return dg.MaterializeResult(
        metadata={
            "match_rate": audit["match_rate"],
            "rows": audit["output_rows"],
            "labelled_rows": audit["matched_rows"],
            "mos": dict(audit["mos_stats"]),
            "sha256": audit["output_sha256"],
        },
        data_version=dg.DataVersion(str(audit["output_sha256"])),
    )


defs = dg.Definitions(assets=[konvid_labelled])
