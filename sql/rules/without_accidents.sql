-- without_folder(key), without_extension(key), without_leading_zeros(key), without_separators(key): see near_key.
CREATE OR REPLACE TEMP MACRO without_folder(key) AS
    CASE WHEN contains(key, '/') OR contains(key, '\') THEN base_name(key) ELSE key END;
CREATE OR REPLACE TEMP MACRO without_extension(key) AS
    CASE WHEN contains(right(key, 6), '.') THEN regexp_replace(key, getvariable('extension'), '') ELSE key END;
CREATE OR REPLACE TEMP MACRO without_leading_zeros(key) AS
    CASE WHEN contains(key, '0') THEN regexp_replace(key, '(^|[^0-9])0+([0-9])', '\1\2', 'g') ELSE key END;
CREATE OR REPLACE TEMP MACRO without_separators(key) AS
    translate(key, ' _.-', '');
