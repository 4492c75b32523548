-- Makes output_values: the rows of a labelled table, one row per distinct key, status, source and score, with the
-- number of its rows and the first of them; of many parts one such row per part, with its number. The key is made of the
-- columns that the evidence names, as it was for the join.
-- Parameters: those of the file, and $regex, $capture (a list each: an entry per part of the key)
{%- from 'sources/cells.sql' import text_rows %}
{%- from 'sources/keys.sql' import keyed %}
CREATE OR REPLACE TEMP TABLE output_values AS
WITH cells AS (
    {{ text_rows(source, cells) }}
), keyed AS (
    {{ keyed('cells', key) }}
)
SELECT
    {%- if source.has_several %}
    part,
    {%- endif %}
    key, key_fault, fault_part, CASE WHEN key_fault IS NOT NULL THEN raw_value END AS raw_value, status_text, source_text,
    mos_text, TRY_CAST(with_point(mos_text, mos_type) AS DOUBLE) AS mos, count(*) AS rows, min(row) AS first_row
FROM keyed
GROUP BY ALL;
