"""polars: one row per clip from a table of frames, without reading the rows that have no score.

python examples/training/polars_clips.py LABELLED_TABLE
"""

from __future__ import annotations

import sys

import polars as pl


def clips(path: str, features: list[str], content: str) -> pl.DataFrame:
    """Return the mean of every feature per clip, and its score. The frames of a clip have one and the same score."""
    frames = pl.scan_parquet(path, glob=False).filter(pl.col("mos_label_status") == "ok")
    one = [pl.col(features).mean(), pl.col("mos").first(), pl.col("mos").n_unique().alias("scores"), pl.len()]
    return frames.group_by(content, maintain_order=True).agg(one).collect()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    found = clips(sys.argv[1], ["sharpness", "noise"], "file_name")
    assert (found["scores"] == 1).all()
    low, high = found.select(low=pl.col("mos").min(), high=pl.col("mos").max()).row(0)
    print(f"{found.height} clips of {found['len'].sum()} frames, mos {low:.2f} to {high:.2f}")
