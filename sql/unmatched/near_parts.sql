{#- Keys with their parts, as near.sql takes them: one text, or a list of texts. A text alone comes also as plain: without
all that is written otherwise, each kind in a step of its own, as one macro inside of another would repeat it. -#}
{%- if keys | length == 1 -%}
SELECT *, with_one_extension(with_digits) AS plain FROM (
    SELECT *, with_digits_alone(seen) AS with_digits FROM (
        SELECT *, without_invisible(unquoted) AS seen FROM (
            SELECT *, without_quotes(characters) AS unquoted FROM (
                SELECT *, with_plain_characters(decoded) AS characters FROM (
                    SELECT *, key AS parts, without_url_codes(key) AS decoded FROM
{%- else -%}
SELECT *, from_json(key, '["VARCHAR"]') AS parts FROM
{%- endif -%}
