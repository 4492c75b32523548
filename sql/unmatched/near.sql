{#- Macros of near_misses. A key is one text; the key of several columns is a list of texts, its parts. A macro of
    DuckDB repeats its argument wherever it uses it, so each step is a column. -#}

{#- Return a relation of keys with their parts. A text alone comes also without URL codes (decoded), and without all
    that is written otherwise (plain). -#}
{%- macro with_parts(relation, keys) -%}
{%- if keys | length == 1 -%}
SELECT *, with_one_extension(with_digits) AS plain FROM (
    SELECT *, with_digits_alone(seen) AS with_digits FROM (
        SELECT *, without_invisible(unquoted) AS seen FROM (
            SELECT *, without_quotes(characters) AS unquoted FROM (
                SELECT *, with_plain_characters(decoded) AS characters FROM (
                    SELECT *, key AS parts, without_url_codes(key) AS decoded FROM {{ relation | ident }})))))
{%- else -%}
SELECT *, from_json(key, '["VARCHAR"]') AS parts FROM {{ relation | ident }}
{%- endif -%}
{%- endmacro -%}

{#- Return the rows that the caller selects, keys with their parts and a difference, with the column near: what is left
    of a key without the difference. -#}
{%- macro with_near(keys) -%}
{%- if keys | length == 1 -%}
SELECT *, near_key(part, difference) AS near
FROM (
    SELECT *, CASE difference WHEN 'URL codes' THEN decoded WHEN 'several of these' THEN plain ELSE parts END AS part
    FROM ({{ caller() }})
)
{%- else -%}
SELECT *, list_transform(parts, lambda part: near_key(part, difference)) AS near
FROM ({{ caller() }})
{%- endif -%}
{%- endmacro -%}
