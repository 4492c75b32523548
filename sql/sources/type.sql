{#- The type of one cell in its file: CSV for a CSV cell, DuckDB's name of a Parquet type, the type of a JSON value. -#}
{%- if cell.reader == 'csv' -%}
'CSV'
{%- elif cell.reader == 'jsonl' -%}
CASE json_type({{ cell.value | ident }}) WHEN 'UBIGINT' THEN 'BIGINT' ELSE json_type({{ cell.value | ident }}) END
{%- else -%}
typeof({{ cell.value | ident }})
{%- endif -%}
