-- A JSON lines file: one row per line that is not blank, with its number (from 1) and the wanted members as JSON.
-- Lines are read as text, so that numbers keep their spelling; control characters cannot occur in JSON, so they can
-- serve as a delimiter that never cuts a line.
-- Parameters: $path{% if cells %}, $pointers (JSON pointers of the members){% endif %}
SELECT
    row_number() OVER () AS row,
    line
    {%- for cell in cells %},
    cells[{{ loop.index | number }}] AS {{ cell.value | ident }}
    {%- endfor %}
FROM (
    SELECT line{% if cells %}, json_extract(line, CAST($pointers AS VARCHAR[])) AS cells{% endif %}
    FROM read_csv(
        $path, columns = {'line': 'VARCHAR'}, delim = chr(28) || chr(29) || chr(30) || chr(31), header = false,
        quote = '', escape = '', auto_detect = false, strict_mode = false, hive_partitioning = false,
        compression = 'none', max_line_size = 67108864)
    WHERE trim(line, ' ' || chr(9) || chr(10) || chr(13)) <> ''
)
