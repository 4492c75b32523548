-- Redundant features: a row per pair whose Pearson correlation is above 0.95 either way, over the labelled clips that
-- have a finite value of both, three at least. SET VARIABLE redundant = 0.9 for another bound.
--
--     duckdb -c "SET VARIABLE labelled = 'runs/chug.parquet'" -f examples/sql/feature_redundancy.sql
--
-- labelled: a Parquet file that moslabels wrote, a pattern or a list of them.
-- A clip of several rows, such as frames, counts once, with the mean of its finite values.

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

-- The features: the columns of numbers, or of true and false, that are neither key nor labels, as the metadata says.
SET VARIABLE features = (
    SELECT coalesce(list(column_name), error('no column of numbers beside the key and the labels'))
    FROM (DESCRIBE FROM read_parquet(getvariable('labelled'), union_by_name = true, hive_partitioning = false))
    WHERE regexp_matches(column_type, '^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|BOOLEAN|DECIMAL[(].*[)])$')
      AND column_name NOT IN (SELECT unnest(getvariable('clip_columns')))
      AND column_name NOT IN (
        SELECT unnest(CAST(decode(value) AS JSON)->>'$.label_columns[*]')
        FROM parquet_kv_metadata(getvariable('labelled'))
        WHERE key = CAST('moslabels' AS BLOB)
      )
);

WITH finite AS (
    SELECT
        COLUMNS(getvariable('clip_columns')),
        mos,
        if(
            isfinite(CAST(COLUMNS(getvariable('features')) AS DOUBLE)),
            CAST(COLUMNS(getvariable('features')) AS DOUBLE),
            NULL
        )
    FROM read_parquet(getvariable('labelled'), union_by_name = true, hive_partitioning = false)
    WHERE mos IS NOT NULL
), clips AS (  -- The mean over a clip's rows; that of equal values is the value itself, which a sum may miss by a bit.
    SELECT
        COLUMNS(getvariable('clip_columns')),
        mos,
        if(
            min(COLUMNS(getvariable('features'))) = max(COLUMNS(getvariable('features'))),
            min(COLUMNS(getvariable('features'))),
            avg(COLUMNS(getvariable('features')))
        )
    FROM finite
    GROUP BY ALL
), numbered AS MATERIALIZED (
    SELECT row_number() OVER () AS "number of the clip", COLUMNS(getvariable('features')) FROM clips
), pairs AS (
    UNPIVOT numbered ON COLUMNS(getvariable('features')) INTO NAME feature VALUE value
), scaled AS (  -- From 0 to 1: the squares of what very large or small numbers differ by are beyond DOUBLE.
    SELECT
        "number of the clip" AS clip,
        feature,
        (value - min(value) OVER of_feature)
        / nullif(max(value) OVER of_feature - min(value) OVER of_feature, 0) AS value
    FROM pairs
    WINDOW of_feature AS (PARTITION BY feature)
), correlated AS (
    SELECT
        one.feature,
        other.feature AS other,
        count(*) AS clips,
        nullif(corr(one.value, other.value), 'NaN') AS pearson
    FROM scaled AS one JOIN scaled AS other ON one.clip = other.clip AND one.feature < other.feature
    GROUP BY ALL
)
SELECT feature, other, clips, CAST(round(CAST(pearson AS DECIMAL(18, 9)), 4) AS DOUBLE) AS pearson
FROM correlated
WHERE clips > 2 AND abs(pearson) > coalesce(getvariable('redundant'), 0.95)
ORDER BY abs(pearson) DESC, feature, other;
