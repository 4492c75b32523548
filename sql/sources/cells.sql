{#- The rows of a file: the number of each, and the wanted cells as text with their types.
    Parameters: those of the file -#}
SELECT
    row
    {%- for cell in cells %},
    {% include 'sources/text.sql' %} AS {{ cell.text | ident }},
    {% include 'sources/type.sql' %} AS {{ cell.type | ident }}
    {%- endfor %}
FROM ({% include 'sources/' ~ source.reader ~ '.sql' %})
