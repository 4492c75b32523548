"""Hugging Face datasets: the labelled rows of a table, read from its file a row group at a time.

python examples/training/hf_dataset.py LABELLED_TABLE
"""

from __future__ import annotations

import sys

from datasets import Dataset, load_dataset


def labelled(path: str) -> Dataset:
    """Return the rows that have a score, with the columns that are filtered by no longer in them."""
    rows = load_dataset("parquet", data_files=path, split="train")
    rows = rows.filter(lambda status: [one == "ok" for one in status], input_columns="mos_label_status", batched=True)
    return rows.remove_columns(["mos_label_status"])


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    rows = labelled(sys.argv[1]).with_format("numpy", columns=["sharpness", "noise", "mos"])
    print(f"{rows.num_rows} rows, mos {rows['mos'][:].min():.2f} to {rows['mos'][:].max():.2f}")
