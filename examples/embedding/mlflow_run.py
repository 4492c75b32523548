"""Label a table within a run of MLflow: the rates, the rule, the hashes and the audit are kept with the run.

python mlflow_run.py FEATURES LABELS OUT
"""

from __future__ import annotations

import json
import sys
from typing import Unpack

import mlflow

import moslabels


def label(features: str, labels: str, out: str, **options: Unpack[moslabels.Options]) -> str:
    """Label a table and log it. A table that is refused leaves a failed run that says why. Return the id of the run."""
    with mlflow.start_run() as run:
        mlflow.log_params({"features": features, "labels": labels, "options": json.dumps(options, sort_keys=True)})
        try:
            audit = moslabels.materialize(features, [labels], out, **options)
        except moslabels.MosLabelsError as error:
            mlflow.set_tags({"error_code": error.code, "error": str(error)[:500]})
            if isinstance(error, moslabels.GateError):
                mlflow.log_dict(dict(error.diagnosis or {}), "diagnosis.json")
            raise
        mlflow.log_metrics(
            {
                "match_rate": audit["match_rate"],
                "matched_rows": audit["matched_rows"],
                "missing_rows": audit["missing_rows"],
            }
        )
        mlflow.set_tag("output_sha256", audit["output_sha256"])
        mlflow.log_dict(dict(audit), "audit.json")
        for warning in audit["warnings"]:
            print(f"warning: {warning}", file=sys.stderr)
        return str(run.info.run_id)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    print(label(*sys.argv[1:], feature_key_regex="^([0-9]{6,})_", label_key_column="flickr_id"))
