-- normalize_key(x, normalize): the part of a key text that counts.
CREATE OR REPLACE TEMP MACRO normalize_key(x, normalize) AS
    CASE normalize
        WHEN 'raw' THEN x
        WHEN 'basename' THEN base_name(x)
        WHEN 'stem' THEN stem(base_name(x))
    END;
