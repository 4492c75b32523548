-- extract_key(part, regex, capture): the clip key of a trimmed and normalised text, or NULL where it has none: what the
-- regex extracts (capture 1: its first group; 0: the whole match; a NULL regex extracts nothing), trimmed again.
-- regexp_extract gives '' where nothing matched.
CREATE OR REPLACE TEMP MACRO extract_key(part, regex, capture) AS
    NULLIF(trim_text(CASE WHEN regex IS NULL THEN part ELSE regexp_extract(part, regex, capture) END), '');
-- make_key(text, normalize, regex, capture): the clip key of a text, or NULL where it has none: trim, normalise (raw,
-- basename, stem), extract. A macro repeats its arguments: sources/key_parts takes the steps one by one instead.
CREATE OR REPLACE TEMP MACRO make_key(text, normalize, regex, capture) AS
    extract_key(normalize_key(trim_text(text), normalize), regex, capture);
