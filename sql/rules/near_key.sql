-- near_key(key, difference): a key, or a part of one, without what may differ by accident: what is left of two keys is
-- equal where they differ only so. Nothing is matched by it: it explains why keys did not meet.
CREATE OR REPLACE TEMP MACRO near_key(key, difference) AS
    CASE difference
        WHEN 'case' THEN lower(key)
        WHEN 'extension' THEN regexp_replace(key, getvariable('extension'), '')
        WHEN 'folder' THEN base_name(key)
        WHEN 'leading zeros' THEN regexp_replace(key, '(^|[^0-9])0+([0-9])', '\1\2', 'g')
        WHEN 'separators' THEN regexp_replace(key, '[\s_.\-]+', '', 'g')
        WHEN 'Unicode form' THEN nfc_normalize(key)
        WHEN 'several of these' THEN regexp_replace(
            regexp_replace(
                lower(regexp_replace(base_name(nfc_normalize(key)), getvariable('extension'), '')),
                '(^|[^0-9])0+([0-9])', '\1\2', 'g'),
            '[\s_.\-]+', '', 'g')
    END;
