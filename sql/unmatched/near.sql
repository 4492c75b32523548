{#- Macros of near_keys. A key is one text; the key of several columns is a list of texts, its parts. A macro of DuckDB
    repeats its argument wherever it uses it, so each step is a column. -#}

{#- What two keys may differ by, and the macro of unmatched/05_near_key that takes it out of a key. Of one text some are
    steps to others: these columns are made once. -#}
{%- set differences = (
    ('case', 'lower', none),
    ('extension', 'without_extension', 'stem'),
    ('an extension given twice', 'with_one_extension', 'with_one'),
    ('folder', 'without_folder', none),
    ('leading zeros', 'without_leading_zeros', none),
    ('separators', 'without_separators', none),
    ('quotes', 'without_quotes', none),
    ('invisible characters', 'without_invisible', none),
    ('the form of characters', 'with_plain_characters', none),
    ('the form of numbers', 'with_digits_alone', none),
    ('Unicode form', 'with_composed', none),
) -%}

{#- Return a relation of keys with their parts and, in the order of the differences, what is left of them without each
    (nears). A text alone also says whether it is a number that has lost digits (is_lost), and comes without URL codes (decoded), and several differences are taken out of it one after
    the other, also those of how it is written (plain). -#}
{%- macro with_nears(relation, keys) -%}
{%- if keys | length == 1 -%}
SELECT side, key, key AS parts, stem, has_lost_digits(key) AS is_lost, [
    {%- for _, macro, column in differences %}
    {% if column is none %}{{ macro | ident }}(key){% else %}{{ column | ident }}{% endif %},
    {%- endfor %}
    without_separators(numbered), decoded] AS nears
FROM (
    SELECT *, without_leading_zeros(bare) AS numbered FROM (
    SELECT *, without_extension(named) AS bare FROM (
    SELECT *, without_folder(small) AS named FROM (
    SELECT *, lower(nfc_normalize(plain)) AS small FROM (
    SELECT *, one_extension(key, stem) AS with_one, one_extension(digits, digits_stem) AS plain FROM (
    SELECT *, without_extension(digits) AS digits_stem FROM (
    SELECT *, with_digits_alone(seen) AS digits FROM (
    SELECT *, without_invisible(unquoted) AS seen FROM (
    SELECT *, without_quotes(characters) AS unquoted FROM (
    SELECT *, with_plain_characters(decoded) AS characters FROM (
    SELECT side, key, without_extension(key) AS stem, without_url_codes(key) AS decoded
    FROM {{ relation | ident }}))))))))))
)
{%- else -%}
SELECT *, [
    {%- for _, macro, _ in differences %}
    list_transform(parts, lambda part: {{ macro | ident }}(part)),
    {%- endfor %}
    list_transform(parts, lambda part: without_several(part)), parts] AS nears
FROM (SELECT side, key, from_json(key, '["VARCHAR"]') AS parts FROM {{ relation | ident }})
{%- endif -%}
{%- endmacro -%}

{#- Return a relation of keys with what they may meet each other by: their coarse key, with (whole) and without an
    extension (bare). Two keys that differ as nears do have one of the two in common, unless one of them is odd. A key
    of which nothing would be left is odd too, and one of two extensions, of which nears may take out both. -#}
{%- macro with_coarse(relation) -%}
SELECT
    key, coarse_key(name) AS whole, coarse_key(name_stem) AS bare,
    bare = '' OR is_odd_key(key)
        OR (name_stem <> name AND ends_with(name_stem, substr(name, length(name_stem) + 1))) AS is_odd
FROM (
    SELECT key, name, without_extension(name) AS name_stem
    FROM (SELECT key, without_folder(key) AS name FROM {{ relation | ident }})
)
{%- endmacro -%}

{#- Return the names of the differences as one list, in the order of nears. -#}
{%- macro names() -%}
[{% for name, _, _ in differences %}{{ name | text }}, {% endfor %}'several of these', 'URL codes']
{%- endmacro -%}
