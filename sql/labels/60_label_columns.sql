-- Returns the label columns, in the order of the output, and label_id: one row per label, in the order of label_id, and
-- after them one row for feature rows without a label. The template is told which labels: all, those that features have
-- (used), or all with a column that says so (marked).
-- Parameters: $missing
SELECT mos, mos_raw_0_100, status, source
    {%- for extra in typed_extras %}, {{ extra.value | ident }}{% endfor %}, label_id
    {%- if which == 'marked' %}, is_used{% endif %}
FROM (
    SELECT
        mos, mos_raw_0_100, 'ok' AS status, source
        {%- for extra in typed_extras %}, {{ extra.value | ident }}{% endfor %}, label_id
        {%- if which == 'marked' %},
        label_id IN (SELECT label_id FROM feature_keys WHERE label_id IS NOT NULL) AS is_used
        {%- endif %}
    FROM labels
    {%- if which == 'used' %}
    WHERE label_id IN (SELECT label_id FROM feature_keys WHERE label_id IS NOT NULL)
    {%- endif %}
    UNION ALL
    SELECT NULL, NULL, 'missing-label', ''
        {%- for _ in typed_extras %}, NULL{% endfor %}, CAST($missing AS INTEGER)
        {%- if which == 'marked' %}, true{% endif %}
)
ORDER BY label_id;
