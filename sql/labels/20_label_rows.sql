-- Makes label_rows: one row per row of every label file. Empty at first. value is the score as a number, on the scale
-- of its file.
CREATE TEMP TABLE label_rows (
    file INTEGER,
    row BIGINT,                 -- from 1; a header and blank lines do not count
    raw_value VARCHAR,          -- what the key columns hold; of several, their JSON list
    key_fault VARCHAR,          -- why it cannot be a key
    fault_part INTEGER,         -- which of the key columns cannot, from 1
    key VARCHAR,                -- NULL: the row has none
    mos_text VARCHAR,           -- the score as it stands in the file
    mos_state VARCHAR,          -- ok, missing or bad
    value DOUBLE,
    mos_100_text VARCHAR,       -- the second score of a file that has mos and mos_raw_0_100: what stands in the latter
    mos_100 DOUBLE,             -- NULL: the row has none; mos_text is its text where it alone is there, or is bad
    is_mos_100 BOOLEAN,
    scale_text VARCHAR,         -- the scale of the row, if a column has it
    row_worst DOUBLE,           -- its ends; NULL: the row has none that is known
    row_best DOUBLE
    {%- for extra in extras %},
    {{ extra.text | ident }} VARCHAR,
    {{ extra.type | ident }} VARCHAR
    {%- endfor %}
);
