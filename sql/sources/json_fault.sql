{#- Why a line of a JSON lines file is no object that can be read, or NULL. has_twice says whether it has a member twice.
    DuckDB's reader also takes NaN, Infinity and a trailing comma: refused here, by a look at what stands outside of the
    texts, for the few lines where one might. -#}
CASE
    WHEN starts_with(line, chr(65279)) THEN
        'it is no JSON: a byte order mark (U+FEFF) stands before it, as where one file was put after another; remove it'
    WHEN NOT json_valid(line) THEN 'it is no JSON'
    WHEN json_type(line) <> 'OBJECT' THEN 'it is no JSON object'
    WHEN has_twice THEN 'an object has one member twice'
    WHEN NOT regexp_matches(line, '(?i)nan|inf|,\s*[}\]]') THEN NULL
    WHEN regexp_matches(without_texts(line), '(?i)nan|inf|,\s*[}\]]')
        THEN 'it is no JSON (NaN, Infinity and trailing commas are not JSON; write null)'
END
