{#- The type of one cell in its file: CSV for a CSV cell (or the type of the value that was written there, where that is
    known), DuckDB's name of a Parquet type, the type of a JSON value. -#}
{%- if cell.reader == 'csv' and cell.column.type == 'VARCHAR' -%}
'CSV'
{%- elif cell.reader == 'csv' -%}
{{ cell.column.type | text }}
{%- elif cell.reader == 'jsonl' -%}
CASE json_type({{ cell.value | ident }}) WHEN 'UBIGINT' THEN 'BIGINT' ELSE json_type({{ cell.value | ident }}) END
{%- else -%}
typeof({{ cell.value | ident }})
{%- endif -%}
