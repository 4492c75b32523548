-- Returns the label columns, in the order of the output, and label_id: one row per label, in the order of label_id, and
-- after them one row for feature rows without a label. The template is told which labels: all, those that features have
-- (used), or all with a column that says so (marked). Millions of rows are sorted, so texts that the number of the file
-- tells are added to the sorted rows.
-- Parameters: $missing, $sources (a list: an entry per label file)
WITH columns AS (
    SELECT
        mos, mos_raw_0_100, file
        {%- for extra in typed_extras %}, {{ extra.value | ident }}{% endfor %}, label_id
        {%- if which == 'marked' %},
        label_id IN (SELECT label_id FROM feature_keys WHERE label_id IS NOT NULL) AS is_used
        {%- endif %}
    FROM labels
    {%- if which == 'used' %}
    WHERE label_id IN (SELECT label_id FROM feature_keys WHERE label_id IS NOT NULL)
    {%- endif %}
    UNION ALL
    SELECT NULL, NULL, NULL
        {%- for _ in typed_extras %}, NULL{% endfor %}, CAST($missing AS INTEGER)
        {%- if which == 'marked' %}, true{% endif %}
)
SELECT
    mos, mos_raw_0_100,
    CASE WHEN file IS NULL THEN 'missing-label' ELSE 'ok' END AS status,
    CASE WHEN file IS NULL THEN '' ELSE CAST($sources AS VARCHAR[])[file + 1] END AS source
    {%- for extra in typed_extras %}, {{ extra.value | ident }}{% endfor %}, label_id
    {%- if which == 'marked' %}, is_used{% endif %}
FROM (FROM columns ORDER BY label_id);
