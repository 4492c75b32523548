-- Adds the rows of one label file to label_rows: key by the rules, score as a number, extras as text with their type.
-- Parameters: those of the file, and $file, $normalize, $regex, $capture (a list each: an entry per
-- key column), $missing_values
INSERT INTO label_rows
WITH cells AS (
    {%- include 'sources/cells.sql' %}
)
SELECT
    $file,
    row,
    {% include 'sources/key.sql' %},
    mos_text,
    mos_state(mos_text, mos_type, $missing_values),
    mos_number(mos_text, mos_type)
    {%- for extra in extras %},
    {% if extra in present %}
    {%- if source.reader == 'csv' %}NULLIF({{ extra.text | ident }}, ''){% else %}{{ extra.text | ident }}{% endif %}, {{ extra.type | ident }}
    {%- else %}NULL, NULL{% endif %}
    {%- endfor %}
FROM cells;
