-- make_key(text, normalize, regex, capture): the clip key of a text, or NULL where it has none.
-- Trim, normalise (raw, basename, stem), extract with the regex (capture 1: its first group; 0: the whole match;
-- a NULL regex extracts nothing), trim again. regexp_extract gives '' where nothing matched.
CREATE OR REPLACE TEMP MACRO make_key(text, normalize, regex, capture) AS
    NULLIF(trim_text(
        CASE
            WHEN regex IS NULL THEN normalize_key(trim_text(text), normalize)
            ELSE regexp_extract(normalize_key(trim_text(text), normalize), regex, capture)
        END), '');
