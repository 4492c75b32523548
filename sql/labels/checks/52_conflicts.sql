-- Returns labels that contradict the first label of their key, in score or in an extra that both have: the first such
-- label of each of the first twenty keys, with both places, and how many keys have one.
-- Parameters: $tolerance
{%- from 'labels/extras.sql' import typed_text %}
WITH conflicts AS (
    SELECT
        key,
        labels.file AS first_file, labels.row AS first_row, labels.mos_text AS first_mos_text, labels.mos AS first_mos,
        label_scores.file, label_scores.row, label_scores.mos_text, label_scores.mos,
        list_filter([
            CASE WHEN mos_differs(labels.mos - label_scores.mos, $tolerance) THEN 'mos' END
            {%- for extra in typed_extras %},
            CASE WHEN labels.{{ extra.value | ident }}
                <> CAST({{ typed_text(extra) }} AS {{ extra.sql_type | sqltype }})
                THEN {{ extra.value | text }} END
            {%- endfor %}
        ], lambda name: name IS NOT NULL) AS columns
    FROM label_scores JOIN labels USING (key)
    WHERE label_scores.label_id IN (FROM label_repeats)
)
SELECT *, (SELECT count(DISTINCT key) FROM conflicts WHERE len(columns) > 0) AS keys
FROM conflicts
WHERE len(columns) > 0
QUALIFY row_number() OVER (PARTITION BY key ORDER BY file, row) = 1
ORDER BY key
LIMIT 20;
