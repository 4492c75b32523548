-- Returns one row per view: its name, how many rows it has, and what it is. The template is given views (name, says).
{% for view in views -%}
SELECT {{ view.name | text }} AS view, count(*) AS rows, {{ view.says | text }} AS description
FROM {{ view.name | ident }}
{%- if not loop.last %}
UNION ALL
{% endif %}
{%- endfor %};
