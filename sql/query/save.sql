-- Saves the views as tables of a DuckDB file; other tables in it stay. The template is given path, views (name, says).
ATTACH {{ path | text }} AS saved (TYPE duckdb);
{%- for view in views %}
CREATE OR REPLACE TABLE saved.main.{{ view.name | ident }} AS SELECT * FROM {{ view.name | ident }};
{%- endfor %}
DETACH saved;
