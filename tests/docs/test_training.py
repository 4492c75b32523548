"""The scripts that show how training code reads a labelled table: none lets a row without a score through."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import moslabels
from helpers.paths import ROOT
from helpers.tools import run

SCRIPTS = {
    "polars_clips.py": ("polars", "3 clips of 9 frames, mos 1.77 to 4.15"),
    "sklearn_folds.py": ("sklearn", "2 folds, mean absolute error"),
    "hf_dataset.py": ("datasets", "9 rows, mos 1.77 to 4.15"),
    "torch_dataset.py": ("torch", "rows to train, "),
}
FOLDER = ROOT / "examples" / "training"


@pytest.fixture
def labelled(copy: Path) -> Path:
    """A table of four clips, one of which has no label: its three rows have NULL in place of a score."""
    here = copy / "quickstart"
    lines = (here / "natural_labels.csv").read_text().splitlines(keepends=True)
    (here / "few.csv").write_text("".join(line for line in lines if not line.startswith("4265321879")))
    audit = moslabels.materialize(
        here / "natural_features.parquet",
        [here / "few.csv"],
        here / "o.parquet",
        feature_key_regex="^([0-9]{6,})_",
        label_key_column="flickr_id",
        min_match_rate=0.5,
    )
    assert audit["missing_rows"] == 3
    return here / "o.parquet"


@pytest.mark.integration
@pytest.mark.parametrize("name", SCRIPTS)
def test_only_rows_with_a_score_are_read(labelled: Path, name: str) -> None:
    package, printed = SCRIPTS[name]
    pytest.importorskip(package, reason=f"needs {package}")
    done = run(sys.executable, str(FOLDER / name), str(labelled), cwd=ROOT, HF_HUB_OFFLINE="1")
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout
    assert "nan" not in done.stdout


def test_every_script_is_run() -> None:
    assert {path.name for path in FOLDER.glob("*.py")} == set(SCRIPTS)
