"""scikit-learn: cross-validation in which no clip is in both the training and the test rows.

python examples/training/sklearn_folds.py LABELLED_TABLE
"""

from __future__ import annotations

import sys

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold


def folds(path: str, features: list[str], content: str, number: int) -> list[float]:
    """Return the mean absolute error of each fold, in points of the five-point scale.

    ``content`` names the column of what was rated. Frames of one clip, or one clip in several encodings, look alike:
    if they are in both sets, the error says nothing about new clips.
    """
    table = pq.read_table(path, columns=[*features, content, "mos", "mos_label_status"])
    table = table.filter(pc.field("mos_label_status") == "ok")  # The others have a NULL in the place of a score.
    x = np.column_stack([table[name].to_numpy() for name in features])
    y, groups = table["mos"].to_numpy(), table[content].to_numpy(zero_copy_only=False)
    errors = []
    for train, test in GroupKFold(number).split(x, y, groups):
        assert not set(groups[train]) & set(groups[test])
        predicted = Ridge().fit(x[train], y[train]).predict(x[test])
        errors.append(float(np.abs(predicted - y[test]).mean()))
    return errors


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = folds(sys.argv[1], ["sharpness", "noise"], "file_name", 2)
    print(f"{len(found)} folds, mean absolute error {np.mean(found):.2f}")
