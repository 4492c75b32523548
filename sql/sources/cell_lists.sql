{#- The wanted cells of a row as two lists, so that one expression serves any number of columns: texts and types. -#}
[
    {%- for cell in cells %}
    {% include 'sources/text.sql' %}{% if not loop.last %},{% endif %}
    {%- endfor %}
] AS texts,
[
    {%- for cell in cells %}
    {% include 'sources/type.sql' %}{% if not loop.last %},{% endif %}
    {%- endfor %}
] AS types
