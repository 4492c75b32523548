-- key_text(text, type): a value without a key_fault as the text that its key is made of. Whole numbers in decimal,
-- also where stored as float or decimal (10008004183.0 is 10008004183, -0.0 is 0); NaN has no key, and no copies are made of a text that is too long for one.
CREATE OR REPLACE TEMP MACRO key_text(text, type) AS
    CASE
        WHEN strlen(text) > 65536 THEN NULL
        WHEN type LIKE 'DECIMAL(%' THEN regexp_replace(text, '\.0*$', '')
        WHEN type NOT IN ('FLOAT', 'DOUBLE') OR regexp_full_match(text, '-?[0-9]+') THEN text
        WHEN NOT isnan(TRY_CAST(text AS DOUBLE)) THEN CAST(TRY_CAST(TRY_CAST(text AS DOUBLE) AS BIGINT) AS VARCHAR)
    END;
