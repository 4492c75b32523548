{#- A JSON lines file, as sources/cells reads it: a cell is a JSON value. -#}
{%- from 'sources/lines.sql' import lines -%}

{#- Return its objects: one row per line that is not blank, with its number (from 1), its text and the wanted members.
    Lines are read as text, so that numbers keep their spelling.
    Parameters: $path, and $pointers (JSON pointers of the members) if there are cells -#}
{%- macro objects(cells) -%}
SELECT
    row_number() OVER () AS row,
    line
    {%- for cell in cells %},
    cells[{{ loop.index | number }}] AS {{ cell.value | ident }}
    {%- endfor %}
FROM (
    SELECT line{% if cells %}, json_extract(line, CAST($pointers AS VARCHAR[])) AS cells{% endif %}
    FROM ({{ lines() }})
    WHERE regexp_matches(line, '[^ \t\n\r]')  -- Looks no further than the first: trimming would look at all of it.
)
{%- endmacro -%}

{%- macro rows(source, cells) -%}
{{ objects(cells) }}
{%- endmacro -%}

{%- macro cell_text(cell) -%}
({{ cell.value | ident }} ->> '$')
{%- endmacro -%}

{%- macro cell_type(cell) -%}
json_value_type({{ cell.value | ident }})
{%- endmacro -%}
