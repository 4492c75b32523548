"""Names of columns: the candidates for keys and scores if no option names one, and the columns that are written."""

from __future__ import annotations

from collections.abc import Mapping

KEY_NAMES = (
    "key clip_key clip_id video_id chug_video_id content_id clip_name file_name filename basename name src source "
    "src_path distorted_path dis_path path"
).split()
MOS_NAMES = ["mos", "mean_mos", "mos_raw_0_100", "raw_mos", "score", "quality"]
LABEL_COLUMNS = ("mos", "mos_raw_0_100")
SOURCE_COLUMN = "mos_label_source"
DEFAULT_EXTRAS: Mapping[str, tuple[str, ...]] = {
    "corpus": ("corpus",),
    "corpus_version": ("corpus_version",),
    "mos_n_ratings": ("mos_n_ratings", "n_ratings", "rating_count"),
    "mos_std_dev": ("mos_std_dev", "stddev", "std_dev"),
    "split": ("split",),
}
"""For each output column, the label columns that may feed it, in order of preference."""
EXTRA_TYPES = ("BIGINT", "BOOLEAN", "DOUBLE", "VARCHAR")
DEFAULT_TYPES = {**dict.fromkeys(DEFAULT_EXTRAS, "VARCHAR"), "mos_n_ratings": "BIGINT", "mos_std_dev": "DOUBLE"}
