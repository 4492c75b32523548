-- Makes diff_part_clips: the keys of each part of two tables of many parts, one row per side, part and key, or no key, with
-- its rows, those with a label, and the score. Empty at first.
CREATE TEMP TABLE diff_part_clips (side VARCHAR, path VARCHAR, key VARCHAR, rows BIGINT, matched_rows BIGINT, mos DOUBLE);
