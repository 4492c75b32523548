-- mos_number(text, type): an opinion score as DOUBLE, or NULL where it is no number.
-- Text must be written as a plain number: TRY_CAST alone would also take 1_000, nan and inf.
CREATE OR REPLACE TEMP MACRO mos_number(text, type) AS
    CASE
        WHEN type IN ('CSV', 'VARCHAR') THEN
            CASE
                WHEN regexp_full_match(trim_text(text), '[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?')
                    THEN TRY_CAST(trim_text(text) AS DOUBLE)
            END
        WHEN regexp_full_match(type, 'U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*')
            THEN TRY_CAST(text AS DOUBLE)
    END;
