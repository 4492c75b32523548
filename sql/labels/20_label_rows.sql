-- Makes label_cells, empty: one row per row of every label file, without what other columns tell, because there may be
-- millions of rows; and label_rows, a view of it with all columns. value is the score as a number, on the scale of its
-- file.
CREATE TEMP TABLE label_cells (
    label_id INTEGER,           -- from 0, through all label files
    file INTEGER,
    row INTEGER,                -- from 1, in the file; a header and blank lines do not count
    other_value VARCHAR,        -- what the key columns hold if that is not the key; of several, their JSON list
    key_fault VARCHAR,          -- why it cannot be a key
    fault_part USMALLINT,       -- which of the key columns cannot, from 1
    key VARCHAR,                -- NULL: the row has none
    mos_text VARCHAR,           -- the score as it stands in the file
    mos_state ENUM ('ok', 'missing', 'bad'),
    value DOUBLE
    {%- if any_mos_100 %},
    mos_100_text VARCHAR,       -- the second score of a file that has mos and mos_raw_0_100: what stands in the latter
    mos_100 DOUBLE,             -- NULL: the row has none; mos_text is its text where it alone is there, or is bad
    is_mos_100 BOOLEAN DEFAULT false
    {%- endif %}
    {%- if any_scale %},
    scale_text VARCHAR,         -- the scale of the row, if a column has it
    row_worst DOUBLE,           -- its ends; NULL: the row has none that is known
    row_best DOUBLE
    {%- endif %}
    {%- for extra in extras %},
    {{ extra.text | ident }} VARCHAR,
    {{ extra.type | ident }} VARCHAR
    {%- endfor %}
);
CREATE TEMP VIEW label_rows AS
SELECT
    *,
    coalesce(other_value, key) AS raw_value
    {%- if not any_mos_100 %},
    CAST(NULL AS VARCHAR) AS mos_100_text, CAST(NULL AS DOUBLE) AS mos_100, false AS is_mos_100
    {%- endif %}
    {%- if not any_scale %},
    CAST(NULL AS VARCHAR) AS scale_text, CAST(NULL AS DOUBLE) AS row_worst, CAST(NULL AS DOUBLE) AS row_best
    {%- endif %}
FROM label_cells;
