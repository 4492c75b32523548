-- whole_text(text, type), double_text(text, type), boolean_text(text, type): the value of an extra as its stated type
-- (BIGINT, DOUBLE, BOOLEAN) writes it; NULL where it has none, or one that does not fit. type is its type in the file.
-- Whole numbers fit BIGINT also where they are stored as float (24.0 is 24); a number that a DOUBLE would round to another
-- whole number does not fit DOUBLE, and one with a leading zero is an identifier, which is text.
CREATE OR REPLACE TEMP MACRO whole_text(text, type) AS
    CASE
        WHEN type IN ('FLOAT', 'DOUBLE') OR type LIKE 'DECIMAL(%' THEN
            CASE WHEN key_fault(text, type) IS NULL THEN CAST(TRY_CAST(key_text(text, type) AS BIGINT) AS VARCHAR) END
        WHEN regexp_full_match(type, 'CSV|VARCHAR|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER') THEN
            CASE
                WHEN cell_bits(trim_text(text)) IN (1, 2) THEN trim_text(text)
                WHEN cell_bits(trim_text(text)) = 4 AND (
                    regexp_full_match(trim_text(text), '[+-]?[0-9]+(\.0*)?')
                    OR (abs(TRY_CAST(trim_text(text) AS DOUBLE)) < 1e15
                        AND TRY_CAST(trim_text(text) AS DOUBLE) = trunc(TRY_CAST(trim_text(text) AS DOUBLE))))
                    THEN CAST(TRY_CAST(trim_text(text) AS BIGINT) AS VARCHAR)
            END
    END;
CREATE OR REPLACE TEMP MACRO double_text(text, type) AS
    CASE
        WHEN type IN ('FLOAT', 'DOUBLE') THEN text
        WHEN regexp_full_match(type, 'CSV|VARCHAR|DECIMAL\(.*|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER')
            AND cell_bits(trim_text(text)) IN (1, 4) THEN trim_text(text)
    END;
CREATE OR REPLACE TEMP MACRO boolean_text(text, type) AS
    CASE
        WHEN type IN ('CSV', 'VARCHAR', 'BOOLEAN') AND lower(trim_text(text)) IN ('true', 'false')
            THEN lower(trim_text(text))
        ELSE CASE whole_text(text, type) WHEN '1' THEN 'true' WHEN '0' THEN 'false' END
    END;
