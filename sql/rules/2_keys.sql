-- From the value of a key column to a clip key.

-- text_fault(text): why a text cannot be a key, or NULL: it has more than 65,536 bytes. short_text(text): one that can.
CREATE OR REPLACE {{ TEMP }} MACRO text_fault(text) AS
    CASE WHEN is_too_long(text) THEN 'a text of ' || strlen(text) || ' bytes (65536 are the most)' END;
CREATE OR REPLACE {{ TEMP }} MACRO short_text(text) AS CASE WHEN NOT is_too_long(text) THEN text END;

-- key_fault(text, type): why a value cannot be a key, or NULL. text is the value as text. Only texts and exact whole
-- numbers are keys: 1.5, inf and a float beyond the last whole number that all floats hold exactly (2^53; FLOAT 2^24)
-- would meet the wrong clip. Of a text, this is text_fault.
CREATE OR REPLACE {{ TEMP }} MACRO key_fault(text, type) AS
    CASE
        WHEN is_too_long(text) THEN text_fault(text)
        WHEN text IS NULL OR is_text_type(type) OR is_whole_type(type) THEN NULL
        WHEN is_decimal_type(type) THEN CASE WHEN regexp_matches(text, '\.0*[1-9]') THEN 'a fractional number' END
        WHEN NOT is_float_type(type) THEN 'a value of type ' || type
        -- A JSON number of many digits is exact, though its type is DOUBLE.
        WHEN is_whole_text(text) OR isnan(TRY_CAST(text AS DOUBLE)) THEN NULL
        WHEN isinf(TRY_CAST(text AS DOUBLE)) THEN 'an infinite number'
        WHEN TRY_CAST(text AS DOUBLE) <> trunc(TRY_CAST(text AS DOUBLE)) THEN 'a fractional number'
        WHEN abs(TRY_CAST(text AS DOUBLE)) > CASE type WHEN 'FLOAT' THEN 16777216 ELSE 9007199254740992 END
            THEN 'a float too large to be an exact whole number'
    END;

-- key_text(text, type): the text that a key is made of, of a value without a key_fault. A whole number is in decimal,
-- also if it is stored as float or decimal: 10008004183.0 is 10008004183, -0.0 is 0. NaN, and a text that is too long,
-- give NULL. Of a text, this is short_text.
CREATE OR REPLACE {{ TEMP }} MACRO key_text(text, type) AS
    CASE
        WHEN is_too_long(text) THEN NULL
        WHEN is_decimal_type(type) THEN regexp_replace(text, '\.0*$', '')
        WHEN NOT is_float_type(type) OR is_whole_text(text) THEN text
        WHEN NOT isnan(TRY_CAST(text AS DOUBLE)) THEN CAST(TRY_CAST(TRY_CAST(text AS DOUBLE) AS BIGINT) AS VARCHAR)
    END;

-- base_name(x): what follows the last / or \, trailing separators ignored. stem(x): a file name without its last
-- extension: a.tar.gz -> a.tar; .hidden, ..a and a. stay (DuckDB's parse_filename would make nothing of .hidden).
CREATE OR REPLACE {{ TEMP }} MACRO base_name(x) AS regexp_extract(x, '([^/\\]*)[/\\]*$', 1);
CREATE OR REPLACE {{ TEMP }} MACRO stem(x) AS
    CASE WHEN regexp_full_match(x, '.*[^.].*\.[^.]+', 's') THEN regexp_replace(x, '\.[^.]+$', '') ELSE x END;

-- normalize_key(x, normalize): the part of a trimmed key text that counts.
CREATE OR REPLACE {{ TEMP }} MACRO normalize_key(x, normalize) AS
    CASE normalize WHEN 'raw' THEN x WHEN 'basename' THEN base_name(x) WHEN 'stem' THEN stem(base_name(x)) END;

-- extract_key(part, regex, capture): the key of a normalised text, or NULL if it has none: what the regex extracts
-- (capture 1: its first group; 0: the whole match; without a regex, everything), trimmed again. No match gives '',
-- which is no key: non_empty(part).
CREATE OR REPLACE {{ TEMP }} MACRO non_empty(part) AS NULLIF(trim_text(part), '');
CREATE OR REPLACE {{ TEMP }} MACRO extract_key(part, regex, capture) AS
    non_empty(CASE WHEN regex IS NULL THEN part ELSE regexp_extract(part, regex, capture) END);

-- make_key(text, normalize, regex, capture): all of these steps. A macro repeats its arguments, so a statement over all
-- rows takes the steps one by one: see keyed in sources/keys.
CREATE OR REPLACE {{ TEMP }} MACRO make_key(text, normalize, regex, capture) AS
    extract_key(normalize_key(trim_text(text), normalize), regex, capture);

-- compound_key(parts): the key of several parts, their JSON list, so that a, bc is not ab, c; NULL if a part is
-- missing.
CREATE OR REPLACE {{ TEMP }} MACRO compound_key(parts) AS
    CASE WHEN list_count(parts) = len(parts) THEN CAST(to_json(parts) AS VARCHAR) END;

-- fold_key(x): x in one case, by the full case folding of Unicode: ß is ss, ς is σ, İ is i and a dot above. lower(x) is
-- that of most characters; session/case_foldings has the others.
CREATE OR REPLACE {{ TEMP }} MACRO fold_key(x) AS
    CASE
        WHEN regexp_full_match(x, '[ -~]*') THEN lower(x)
        ELSE array_to_string(list_transform(
            regexp_extract_all(lower(replace(x, chr(304), 'i' || chr(775))), '(?s).'),
            lambda c: coalesce(getvariable('case_foldings')[c], c)), '')
    END;
