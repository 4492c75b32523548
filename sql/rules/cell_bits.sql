-- cell_bits(x): what a text cell may be typed as, as a bit that a column ORs over all its cells:
--   1 a whole number           2 a whole number that a DOUBLE would round
--   4 another number           8 text
--  16 a whole number that is not written back as it was: -0
-- An empty cell says nothing. A whole number with a leading zero is an identifier: text. So is one that fits neither
-- BIGINT nor, exactly, DOUBLE.
CREATE OR REPLACE TEMP MACRO cell_bits(x) AS
    CASE
        WHEN x IS NULL OR x = '' THEN NULL
        WHEN contains(x, '.') THEN  -- Most features are such numbers: one pattern is enough for them.
            CASE
                WHEN regexp_full_match(x, ' *[+-]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *')
                    AND isfinite(TRY_CAST(trim(x) AS DOUBLE)) THEN 4
                ELSE 8
            END
        WHEN trim(x) = '-0' THEN 17
        WHEN regexp_full_match(trim(x), '-?(0|[1-9][0-9]*)') AND TRY_CAST(trim(x) AS BIGINT) IS NOT NULL THEN
            CASE
                WHEN CAST(TRY_CAST(trim(x) AS BIGINT) AS HUGEINT)
                    = CAST(CAST(TRY_CAST(trim(x) AS BIGINT) AS DOUBLE) AS HUGEINT) THEN 1
                ELSE 2
            END
        WHEN regexp_full_match(trim(x), '[+-]?[0-9]+') THEN
            CASE
                WHEN NOT regexp_full_match(trim(x), '[+-]?0[0-9]+')
                    AND TRY_CAST(trim(x) AS HUGEINT) = TRY_CAST(TRY_CAST(trim(x) AS DOUBLE) AS HUGEINT) THEN 4
                ELSE 8
            END
        WHEN regexp_full_match(trim(x), '[+-]?(?i:nan|inf|infinity)') THEN 4
        WHEN regexp_full_match(trim(x), '[+-]?[0-9]+[eE][+-]?[0-9]+')
            AND isfinite(TRY_CAST(trim(x) AS DOUBLE)) THEN 4
        ELSE 8
    END;
