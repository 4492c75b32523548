-- Makes label_inputs: one row per label file, in the order given, with the rules that hold for it alone.
-- Parameters: $source, $mos_column, $mos_scale, $worst, $best, $out_of_range, $max_clipped, $missing_mos (a list each: an
-- entry per label file)
CREATE TEMP TABLE label_inputs AS
SELECT
    CAST(unnest(range(len($source))) AS INTEGER) AS file,
    unnest(CAST($source AS VARCHAR[])) AS source,               -- the path as it was given
    unnest(CAST($mos_column AS VARCHAR[])) AS mos_column,
    unnest(CAST($mos_scale AS VARCHAR[])) AS mos_scale,         -- or linear (worst to best), per-row
    unnest(CAST($worst AS DOUBLE[])) AS worst,
    unnest(CAST($best AS DOUBLE[])) AS best,
    unnest(CAST($out_of_range AS VARCHAR[])) AS out_of_range,   -- error or clip
    unnest(CAST($max_clipped AS DOUBLE[])) AS max_clipped,      -- greatest share of its labels that may be clipped
    unnest(CAST($missing_mos AS VARCHAR[])) AS missing_mos;     -- error or skip
