-- A CSV file as typed columns, in file order.
-- Parameters: those of the file
SELECT
    {%- for cell in cells %}
    {% if cell.sql_type == 'VARCHAR' %}NULLIF({{ cell.value | ident }}, '')
    {%- else %}CAST(NULLIF(trim({{ cell.value | ident }}), '') AS {{ cell.sql_type | sqltype }}){% endif %} AS {{ cell.value | ident }}
    {%- if not loop.last %},{% endif %}
    {%- endfor %}
FROM ({% include 'sources/csv.sql' %});
