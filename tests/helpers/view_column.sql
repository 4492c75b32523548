{#- The value of a column of a view, from the JSON of a document or of a part of it. -#}
{% macro value(column, json) -%}
    {% if column.name == "labels" -%}
    CASE json_type({{ json }}, '{{ column.place }}') WHEN 'ARRAY' THEN list_transform(
        json_extract({{ json }}, '{{ column.place }}[*]'),
        lambda item: json_extract_string(item, CASE json_type(item) WHEN 'OBJECT' THEN '$.path' ELSE '$' END)
    ) END
    {%- elif column.type == "VARCHAR" -%}
    {{ json }}->>'{{ column.place }}'
    {%- elif column.type == "VARCHAR[]" -%}
    CASE json_type({{ json }}, '{{ column.place }}') WHEN 'ARRAY' THEN {{ json }}->>'{{ column.place }}[*]' END
    {%- elif column.type == "JSON" -%}
    CASE json_type({{ json }}, '{{ column.place }}') WHEN '{{ column.json_type }}' THEN {{ json }}->'{{ column.place }}' END
    {%- else -%}
    TRY_CAST({{ json }}->>'{{ column.place }}' AS {{ column.type }})
    {%- endif %}
{%- endmacro %}
