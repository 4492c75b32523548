-- trim_text(x): x without the white space at its ends. DuckDB's own trim(x) takes spaces only, and trimming a set of
-- characters is slow, so a text that begins and ends in a printable ASCII character is passed on at once.
CREATE OR REPLACE TEMP MACRO trim_text(x) AS
    CASE WHEN regexp_full_match(x, '[!-~]|[!-~].*[!-~]', 's') THEN x ELSE trim(x, getvariable('white_space')) END;
