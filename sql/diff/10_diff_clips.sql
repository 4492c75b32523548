-- Makes diff_clips: the labelled clips of two tables, one row per side and key. Empty at first.
CREATE TEMP TABLE diff_clips (side VARCHAR, key VARCHAR, mos DOUBLE);
