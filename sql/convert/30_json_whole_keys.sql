-- Whether the key columns of a JSON lines file hold whole numbers alone, which come back as they were written: one row,
-- with a truth value per key column under its alias; NULL where it holds nothing.
-- Parameters: $path, $pointers
SELECT
    {%- for cell in cells %}
    bool_and(
        {% include 'sources/type.sql' %} = 'BIGINT' AND cell_bits({% include 'sources/text.sql' %}) < 4
    ) FILTER (WHERE {% include 'sources/text.sql' %} IS NOT NULL) AS {{ cell.alias | ident }}{% if not loop.last %},{% endif %}
    {%- endfor %}
FROM ({% include 'sources/jsonl.sql' %});
