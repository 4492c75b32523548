-- Patterns of JSON, for what must stay as it is written.

-- json_names(x): the names of the members of all objects in it, as they are written, each with its colon.
CREATE OR REPLACE {{ TEMP }} MACRO json_names(x) AS regexp_extract_all(x, json_text() || '\s*:');

-- may_hold_object(line): whether an object may stand inside of the line's object. A text may look like one.
CREATE OR REPLACE {{ TEMP }} MACRO may_hold_object(line) AS regexp_matches(line, '[:\[,]\s*\{');

-- without_texts(x): JSON with all its texts empty, so that a pattern finds only what stands outside of them.
CREATE OR REPLACE {{ TEMP }} MACRO without_texts(x) AS regexp_replace(x, json_text(), '""', 'g');

-- has_no_json(x): whether NaN, Infinity or a trailing comma may be in it, which DuckDB's reader takes.
CREATE OR REPLACE {{ TEMP }} MACRO has_no_json(x) AS regexp_matches(x, '(?i)nan|inf|,\s*[}\]]');

-- json_value_type(x): the type of a JSON value, as DuckDB types the same value elsewhere.
CREATE OR REPLACE {{ TEMP }} MACRO json_value_type(x) AS CASE json_type(x) WHEN 'UBIGINT' THEN 'BIGINT' ELSE json_type(x) END;

-- json_fault(line, has_twice): why a line of a JSON lines file is not an object that can be read, or NULL. has_twice
-- says whether it has a member twice. The precise look is for the few lines that need one.
CREATE OR REPLACE {{ TEMP }} MACRO json_fault(line, has_twice) AS
    CASE
        WHEN starts_with(line, chr(65279)) THEN
            'it is not JSON: a byte order mark (U+FEFF) stands before it, as if one file was put after another; remove it'
        WHEN NOT json_valid(line) THEN 'it is not JSON'
        WHEN json_type(line) <> 'OBJECT' THEN 'it is not a JSON object'
        WHEN has_twice THEN 'an object has one member twice'
        WHEN NOT has_no_json(line) THEN NULL
        WHEN has_no_json(without_texts(line))
            THEN 'it is not JSON (NaN, Infinity and trailing commas are not JSON; write null)'
    END;
