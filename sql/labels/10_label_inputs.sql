-- Makes label_inputs: one row per label file, in the order given, with the rules that hold for it alone. Empty at
-- first.
CREATE TEMP TABLE label_inputs (
    file INTEGER,
    source VARCHAR,             -- the path as it was given
    mos_column VARCHAR,
    mos_scale VARCHAR,          -- auto, 1-5, 0-100, per-value, or linear: from worst to best
    worst DOUBLE,
    best DOUBLE,
    out_of_range VARCHAR,       -- error or clip
    missing_mos VARCHAR         -- error or skip
);
