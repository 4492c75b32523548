"""Dagster: the labelled table as an asset, with the numbers of its audit as metadata."""

from __future__ import annotations

import dagster as dg

import moslabels


@dg.asset(deps=["konvid_features", "konvid_labels"])
def konvid_labelled() -> dg.MaterializeResult:
    try:
        audit = moslabels.materialize(
            "/data/konvid.parquet",
            ["/data/konvid_labels.csv"],
            "/data/konvid_mos.parquet",
            audit_json="/data/konvid_mos.audit.json",
            feature_key_regex="([0-9]{6,})_",
            label_key_column="flickr_id",
        )
    except moslabels.MosLabelsError as error:
        metadata = {"code": error.code, "file": error.file, "column": error.column, "row": error.row}
        raise dg.Failure(
            str(error),
            metadata={name: value for name, value in metadata.items() if value is not None},
            allow_retries=error.code in ("resources", "in-use", "changed", "file-system"),
        ) from error
    return dg.MaterializeResult(
        metadata={
            "match_rate": audit["match_rate"],
            "rows": audit["output_rows"],
            "labelled_rows": audit["matched_rows"],
            "mos": audit["mos_stats"],
            "sha256": audit["output_sha256"],
            "warnings": audit["warnings"],
        },
        data_version=dg.DataVersion(audit["output_sha256"]),
    )


defs = dg.Definitions(assets=[konvid_labelled])
