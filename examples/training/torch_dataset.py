"""PyTorch: the labelled rows of a table as a dataset, split by clip.

python examples/training/torch_dataset.py LABELLED_TABLE
"""

from __future__ import annotations

import sys
import zlib

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from torch.utils.data import DataLoader, TensorDataset


def is_for_validation(content: str, share: float = 0.2) -> bool:
    """Tell by the clip alone, so that its rows stay together and later tables keep the split."""
    return zlib.crc32(content.encode()) < share * 2**32


def datasets(path: str, features: list[str], content: str) -> tuple[TensorDataset, TensorDataset]:
    """Return the rows for training and for validation: features ``(rows, features)`` and scores ``(rows,)``, 1 to 5."""
    table = pq.read_table(path, columns=[*features, content, "mos", "mos_label_status"])
    table = table.filter(pc.field("mos_label_status") == "ok")  # A NULL would become a NaN, and the loss with it.
    held_back = pa.array([is_for_validation(name) for name in table[content].to_pylist()], pa.bool_())
    return tensors(table.filter(pc.invert(held_back)), features), tensors(table.filter(held_back), features)


def tensors(table: pa.Table, features: list[str]) -> TensorDataset:
    x = np.column_stack([table[name].to_numpy() for name in features])
    y = table["mos"].to_numpy()
    return TensorDataset(torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    train, validation = datasets(sys.argv[1], ["sharpness", "noise"], "file_name")
    _, y = next(iter(DataLoader(train, batch_size=len(train))))
    print(f"{len(train)} rows to train, {len(validation)} to validate; y from {y.min():.2f} to {y.max():.2f}")
