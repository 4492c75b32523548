-- Leakage: a row per content that has clips in more than one split, so that a model is tested on what it was trained
-- on. No row is good news. A clip whose content or split is NULL is passed over.
--
--     duckdb -c "SET VARIABLE labelled = 'runs/chug.parquet'" -f examples/sql/content_in_two_splits.sql
--
-- labelled: a Parquet file that moslabels wrote, a pattern or a list of them.
-- content, split: the columns that have the content and the split of a clip, if not "content" and "split":
-- SET VARIABLE content = 'scene'. A clip of several rows counts once in each split.

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

WITH clips AS (
    SELECT DISTINCT
        COLUMNS(getvariable('clip_columns')),
        COLUMNS([coalesce(getvariable('content'), 'content')]) AS "content of the clip",
        COLUMNS([coalesce(getvariable('split'), 'split')]) AS "split of the clip"
    FROM read_parquet(getvariable('labelled'), union_by_name = true, hive_partitioning = false)
), counted AS (
    SELECT "content of the clip" AS content, "split of the clip" AS split, count(*) AS clips
    FROM clips
    WHERE "content of the clip" IS NOT NULL AND "split of the clip" IS NOT NULL
    GROUP BY ALL
)
SELECT
    content,
    count(*) AS splits,
    string_agg(split || ': ' || clips, ', ' ORDER BY split) AS clips
FROM counted
GROUP BY content
HAVING count(*) > 1
ORDER BY content;
