"""The examples for MLflow and DVC, run with the tools themselves."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from helpers.tools import run

pytestmark = pytest.mark.integration
PACKAGES = "needs {}: pip install -e '.[integrations]'"


def test_mlflow_keeps_the_audit_of_a_run(copy: Path) -> None:
    pytest.importorskip("mlflow", reason=PACKAGES.format("mlflow-skinny"))
    script, here = str(copy / "embedding" / "mlflow_run.py"), copy / "quickstart"
    store = {"MLFLOW_TRACKING_URI": f"file:{copy / 'runs'}", "MLFLOW_ALLOW_FILE_STORE": "true"}
    done = run(sys.executable, script, "natural_features.parquet", "natural_labels.csv", "o.parquet", cwd=here, **store)
    assert done.returncode == 0, done.stderr
    (kept,) = (copy / "runs").glob(f"*/{done.stdout.split()[-1]}")
    audit = json.loads((kept / "artifacts" / "audit.json").read_text())
    assert (kept / "metrics" / "match_rate").read_text().split()[1] == "1.0"
    assert (kept / "tags" / "output_sha256").read_text() == audit["output_sha256"]
    (here / "few.csv").write_text("flickr_id,mos\n4265321879,3\n")
    done = run(sys.executable, script, "natural_features.parquet", "few.csv", "p.parquet", cwd=here, **store)
    assert "GateError: MOS label match rate 0.250" in done.stderr
    (failed,) = (one for one in (copy / "runs").glob("*/*/tags/error_code"))
    assert failed.read_text() == "match-rate"
    assert json.loads((failed.parents[1] / "artifacts" / "diagnosis.json").read_text())["matched_feature_keys"] == 1


def test_dvc_runs_the_stage_when_something_changed(copy: Path) -> None:
    pytest.importorskip("dvc", reason=PACKAGES.format("dvc"))
    here = copy / "quickstart"
    (here / "dvc.yaml").write_bytes((copy / "embedding" / "dvc.yaml").read_bytes())
    dvc = (sys.executable, "-m", "dvc")
    assert run(*dvc, "init", "--no-scm", "-q", cwd=here).returncode == 0
    done = run(*dvc, "repro", cwd=here)
    assert "2 of 2 tables labelled" in done.stderr, done.stderr + done.stdout
    before = (here / "out" / "hdr_mos.jsonl").read_bytes()
    assert "didn't change, skipping" in run(*dvc, "repro", cwd=here).stdout
    labels = here / "natural_labels.csv"
    labels.write_text(labels.read_text().replace("3.42", "3.52"))
    done = run(*dvc, "repro", cwd=here)
    assert "1 of 2 tables labelled, 1 unchanged" in done.stderr, done.stderr + done.stdout
    assert (here / "out" / "hdr_mos.jsonl").read_bytes() == before
    found = run(sys.executable, "-m", "moslabels", "verify", "out/report.json", cwd=here)
    assert (found.returncode, found.stderr) == (0, "")
