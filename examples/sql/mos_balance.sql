-- MOS balance: a row per split: how many labelled clips, their MOS (mean, standard deviation of the sample, quartiles
-- linear between the two nearest), and how many clips per unit of MOS; mos_4_to_5 has those of 5 too.
--
--     duckdb -c "SET VARIABLE labelled = 'runs/chug.parquet'" -f examples/sql/mos_balance.sql
--
-- labelled: a Parquet file that moslabels wrote, a pattern or a list of them.
-- split: the column that has the split of a clip, if not "split": SET VARIABLE split = 'fold'.
-- A clip of several rows counts once.

-- The key columns, as the metadata of the table says: they tell clips apart. Set clip to name another column.
SET VARIABLE clip_columns = (
    SELECT coalesce(
        CASE WHEN getvariable('clip') IS NOT NULL THEN [CAST(getvariable('clip') AS VARCHAR)] END,
        list(DISTINCT name),
        error('no Parquet file that moslabels wrote: ' || CAST(getvariable('labelled') AS VARCHAR))
    )
    FROM (
        SELECT unnest(
            CASE json_type(key_column) WHEN 'ARRAY' THEN key_column->>'$[*]' ELSE [key_column->>'$'] END
        ) AS name
        FROM (
            SELECT CAST(decode(value) AS JSON)->'feature_key_column' AS key_column
            FROM parquet_kv_metadata(getvariable('labelled'))
            WHERE key = CAST('moslabels' AS BLOB)
        )
    )
);

-- To 3 decimals as by hand: round() of the DOUBLE 3.7335 is 3.733 or 3.734, by the version of DuckDB.
CREATE OR REPLACE TEMP MACRO rounded(number) AS CAST(round(CAST(number AS DECIMAL(18, 9)), 3) AS DOUBLE);

WITH clips AS (
    SELECT DISTINCT
        COLUMNS(getvariable('clip_columns')),
        mos,
        COLUMNS([coalesce(getvariable('split'), 'split')]) AS "split of the clip"
    FROM read_parquet(getvariable('labelled'), union_by_name = true, hive_partitioning = false)
    WHERE mos IS NOT NULL
)
SELECT
    "split of the clip" AS split,
    count(*) AS clips,
    rounded(avg(mos)) AS mean,
    rounded(stddev_samp(mos)) AS std,
    rounded(min(mos)) AS min,
    rounded(quantile_cont(mos, 0.25)) AS q1,
    rounded(median(mos)) AS median,
    rounded(quantile_cont(mos, 0.75)) AS q3,
    rounded(max(mos)) AS max,
    count(*) FILTER (mos < 2) AS mos_1_to_2,
    count(*) FILTER (mos >= 2 AND mos < 3) AS mos_2_to_3,
    count(*) FILTER (mos >= 3 AND mos < 4) AS mos_3_to_4,
    count(*) FILTER (mos >= 4) AS mos_4_to_5
FROM clips
GROUP BY "split of the clip"
ORDER BY split;
