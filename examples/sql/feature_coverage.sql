-- Coverage of the features: a row per feature, least covered first: the share of rows with a finite value, how many
-- others are NULL, NaN or infinite, and how many different finite values there are. A constant feature has one or none.
--
--     duckdb -c "SET VARIABLE labelled = 'runs/chug.parquet'" -f examples/sql/feature_coverage.sql
--
-- labelled: a Parquet file that moslabels wrote, a pattern or a list of them.
-- All rows count, frames and unlabelled ones too.

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

WITH found AS (
    SELECT {
        'rows': count(*),
        'finite': count_if(isfinite(CAST(COLUMNS(getvariable('features')) AS DOUBLE))),
        'nulls': count_if(COLUMNS(getvariable('features')) IS NULL),
        'nans': count_if(isnan(CAST(COLUMNS(getvariable('features')) AS DOUBLE))),
        'infinite': count_if(isinf(CAST(COLUMNS(getvariable('features')) AS DOUBLE))),
        'values': count(DISTINCT if(
            isfinite(CAST(COLUMNS(getvariable('features')) AS DOUBLE)), COLUMNS(getvariable('features')), NULL
        ))
    }
    FROM read_parquet(getvariable('labelled'), union_by_name = true, hive_partitioning = false)
), features AS (
    UNPIVOT found ON COLUMNS(*) INTO NAME feature VALUE counts
)
SELECT
    feature,
    CAST(round(CAST(counts.finite / counts.rows AS DECIMAL(18, 9)), 4) AS DOUBLE) AS coverage,
    counts.nulls AS nulls,
    counts.nans AS nans,
    counts.infinite AS infinite,
    counts.values AS distinct_values,
    counts.values < 2 AS is_constant
FROM features
ORDER BY coverage, feature;
