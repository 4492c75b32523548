-- Correlation with MOS: a row per feature, over the labelled clips that have a finite value of it, strongest rank
-- correlation first. pearson, and spearman with the mean rank for ties; NULL where the feature or MOS is constant.
--
--     duckdb -c "SET VARIABLE labelled = 'runs/chug.parquet'" -f examples/sql/feature_correlation.sql
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
), pairs AS (
    UNPIVOT (SELECT mos, COLUMNS(getvariable('features')) FROM clips)
    ON COLUMNS(getvariable('features'))
    INTO NAME feature VALUE value
), ranked AS (
    SELECT
        feature,
        mos,
        -- From 0 to 1: the squares of what very large or small numbers differ by are beyond DOUBLE.
        (value - min(value) OVER of_feature)
        / nullif(max(value) OVER of_feature - min(value) OVER of_feature, 0) AS scaled,
        -- rank() gives ties their first rank; the mean rank is half of the others further.
        rank() OVER (of_feature ORDER BY value) + (count(*) OVER (PARTITION BY feature, value) - 1) / 2 AS value_rank,
        rank() OVER (of_feature ORDER BY mos) + (count(*) OVER (PARTITION BY feature, mos) - 1) / 2 AS mos_rank
    FROM pairs
    WINDOW of_feature AS (PARTITION BY feature)
)
SELECT
    feature,
    count(*) AS clips,
    CAST(round(CAST(nullif(corr(mos, scaled), 'NaN') AS DECIMAL(18, 9)), 4) AS DOUBLE) AS pearson,
    CAST(round(CAST(nullif(corr(mos_rank, value_rank), 'NaN') AS DECIMAL(18, 9)), 4) AS DOUBLE) AS spearman
FROM ranked
GROUP BY feature
ORDER BY abs(spearman) DESC NULLS LAST, feature;
