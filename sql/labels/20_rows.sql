-- label_rows: one row per row of every label file. value is the score as a number, on the scale of its file.
CREATE TEMP TABLE label_rows (
    file INTEGER,
    row BIGINT,                 -- from 1; a header and blank lines do not count
    raw_value VARCHAR,          -- what the key columns hold; of several, their JSON list
    key_fault VARCHAR,          -- why it cannot be a key
    fault_part INTEGER,         -- which of the key columns cannot, from 1
    key VARCHAR,                -- NULL: the row has none
    mos_text VARCHAR,           -- the score as it stands in the file
    mos_state VARCHAR,          -- ok, missing or bad
    value DOUBLE
    {%- for extra in extras %},
    {{ extra.text | ident }} VARCHAR,
    {{ extra.type | ident }} VARCHAR
    {%- endfor %}
);
