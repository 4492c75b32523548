"""The names of columns that are tried if no option names a key or a score column, in order."""

from __future__ import annotations

KEY_NAMES = (
    "key clip_key clip_id video_id chug_video_id content_id clip_name file_name filename basename name src source "
    "src_path distorted_path dis_path path"
).split()
MOS_NAMES = ["mos", "mean_mos", "mos_raw_0_100", "raw_mos", "score", "quality"]
