-- key_fault(text, type): why a value cannot be a key, or NULL. text is the value as text, type its type in the file
-- (CSV for a cell of a CSV file). Only text and exact whole numbers are keys: 1.5, inf and floats beyond the last
-- whole number that they hold exactly (2^53; FLOAT 2^24) would meet the wrong clip. A key has at most 65,536 bytes.
CREATE OR REPLACE TEMP MACRO key_fault(text, type) AS
    CASE
        WHEN strlen(text) > 65536 THEN 'a text of ' || strlen(text) || ' bytes (65536 are the most)'
        WHEN text IS NULL OR type IN ('CSV', 'VARCHAR') THEN NULL
        WHEN regexp_full_match(type, 'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER') THEN NULL
        WHEN type LIKE 'DECIMAL(%' THEN
            CASE WHEN regexp_matches(text, '\.0*[1-9]') THEN 'a fractional number' END
        WHEN type NOT IN ('FLOAT', 'DOUBLE') THEN 'a value of type ' || type
        -- A JSON number of many digits is exact, though its type is DOUBLE.
        WHEN regexp_full_match(text, '-?[0-9]+') OR isnan(TRY_CAST(text AS DOUBLE)) THEN NULL
        WHEN isinf(TRY_CAST(text AS DOUBLE)) THEN 'an infinite number'
        WHEN TRY_CAST(text AS DOUBLE) <> trunc(TRY_CAST(text AS DOUBLE)) THEN 'a fractional number'
        WHEN abs(TRY_CAST(text AS DOUBLE)) > CASE type WHEN 'FLOAT' THEN 16777216 ELSE 9007199254740992 END
            THEN 'a float too large to be an exact whole number'
    END;
