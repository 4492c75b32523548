{#- The text of one cell. FLOAT goes by way of DOUBLE: the shortest text of a FLOAT is another number. -#}
{%- if cell.reader == 'jsonl' -%}
({{ cell.value | ident }} ->> '$')
{%- elif cell.column.type == 'FLOAT' -%}
CAST(CAST({{ cell.value | ident }} AS DOUBLE) AS VARCHAR)
{%- else -%}
CAST({{ cell.value | ident }} AS VARCHAR)
{%- endif -%}
