-- Makes feature_values: one row per distinct value of the key columns over all parts, as match/10_feature_values makes
-- it of one file.
CREATE OR REPLACE TEMP TABLE feature_values AS
SELECT
    {%- for cell in cells %}
    {{ cell.value | ident }},
    {%- endfor %}
    CAST(sum(rows) AS BIGINT) AS rows, min(first_row) AS first_row
FROM part_values
GROUP BY ALL;
