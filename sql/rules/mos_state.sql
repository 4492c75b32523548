-- mos_state(text, type, missing_values): 'ok' a finite number, 'missing' none was given, 'bad' anything else.
CREATE OR REPLACE TEMP MACRO mos_state(text, type, missing_values) AS
    CASE
        WHEN text IS NULL OR trim_text(text) = '' OR lower(trim_text(text)) = 'nan'
            OR (type IN ('FLOAT', 'DOUBLE') AND isnan(TRY_CAST(text AS DOUBLE)))  -- also a negative one
            OR list_contains(CAST(missing_values AS VARCHAR[]), trim_text(text)) THEN 'missing'
        WHEN isfinite(mos_number(text, type)) THEN 'ok'
        ELSE 'bad'
    END;
