-- Returns the rates of each group of features: one row per value of the column match_rate_by, NULL first.
-- Each group has its key; a left join is one into which DuckDB pushes no filter (see session/10_optimizers).
-- Parameters: those of the file
{%- from 'sources/cells.sql' import rows, row_count, cell_text %}
SELECT
    group_text AS value,
    CAST(sum(group_rows) AS BIGINT) AS input_rows,
    CAST(coalesce(sum(group_rows) FILTER (WHERE key IS NULL), 0) AS BIGINT) AS rows_without_key,
    count(DISTINCT key) AS total_feature_keys,
    count(DISTINCT key) FILTER (WHERE label_id IS NOT NULL) AS matched_feature_keys
FROM (
    SELECT
        {%- for cell in keys %}
        {{ cell.value | ident }},
        {%- endfor %}
        {{ cell_text(cell) }} AS group_text,
        {{ row_count(source) }} AS group_rows
    FROM ({{ rows(source, cells) }})
    GROUP BY ALL
) AS feature_groups
LEFT JOIN feature_keys ON
    {%- for cell in keys %}
    {% if not loop.first %}AND {% endif -%}
    feature_groups.{{ cell.value | ident }} IS NOT DISTINCT FROM feature_keys.{{ cell.value | ident }}
    {%- endfor %}
GROUP BY group_text
ORDER BY group_text NULLS FIRST;
