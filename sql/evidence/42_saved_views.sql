-- Saves the views as tables of a DuckDB file, each with a mark by which the next run knows that it may be replaced;
-- other tables in it stay. The template is given views (name, says) and mark.
{%- for view in views %}
CREATE OR REPLACE TABLE saved.main.{{ view.name | ident }} AS SELECT * FROM {{ view.name | ident }};
COMMENT ON TABLE saved.main.{{ view.name | ident }} IS {{ mark | text }};
{%- endfor %}
DETACH saved;
