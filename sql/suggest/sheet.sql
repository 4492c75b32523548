{#- A macro for statements that are shown to be pasted, and not run here. -#}

{#- Return the call that reads a file by its format: csv, json or parquet. -#}
{%- macro sheet(format, path) -%}
read_{% if format == 'csv' %}csv{% elif format == 'parquet' %}parquet{% else %}json{% endif %}({{ path | text }})
{%- endmacro -%}
