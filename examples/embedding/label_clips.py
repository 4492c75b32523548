"""Frames to clips in DuckDB, labels joined onto the clips, and what is missing said: nothing is written.

python examples/embedding/label_clips.py FEATURES LABELS
"""

from __future__ import annotations

import sys

import duckdb
import pyarrow as pa
import pyarrow.dataset

import moslabels


def label_clips(features: str, labels: str) -> moslabels.Joined:
    """One row per clip: the mean of every feature over its frames, and the label of the clip."""
    connection = duckdb.connect()
    # To read_parquet a path is a pattern: it would read a1.parquet too, or instead, for "a[1].parquet".
    connection.register("frames", pyarrow.dataset.dataset(features, format="parquet"))
    clips = connection.sql(
        "SELECT file_name, count(*) AS frames, avg(sharpness) AS sharpness, avg(noise) AS noise "
        "FROM frames GROUP BY file_name ORDER BY file_name"
    )
    return moslabels.join(
        clips,
        labels,
        connection=connection,
        feature_key_regex="([0-9]{6,})_",
        label_key_column="flickr_id",
        min_match_rate=0.9,
    )


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        joined = label_clips(*sys.argv[1:])
    except moslabels.GateError as error:
        if error.diagnosis is not None:
            unmatched = error.diagnosis["unmatched_feature_keys"]["count"]
            print(f"{error.file}: {unmatched} clips have no label", file=sys.stderr)
        print(error, file=sys.stderr)
        return 1
    except moslabels.MosLabelsError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 1
    except (OSError, pa.ArrowException) as error:
        print(f"{sys.argv[1]}: cannot be read: {error}", file=sys.stderr)
        return 1
    print(f"{joined.audit['matched_rows']} clips labelled, match rate {joined.audit['match_rate']:.3f}")
    print(joined.table.select(["frames", "mos", "mos_std_dev"]).to_pylist()[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())
