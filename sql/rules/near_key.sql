-- near_key(key, difference): a key, or a part of one, without what may differ by accident: what is left of two keys is
-- equal where they differ only so. Nothing is matched by it: it explains why keys did not meet.
-- Most keys need no pattern: a cheap look comes first.
CREATE OR REPLACE TEMP MACRO near_key(key, difference) AS
    CASE difference
        WHEN 'case' THEN lower(key)
        WHEN 'extension' THEN without_extension(key)
        WHEN 'an extension given twice' THEN with_one_extension(key)
        WHEN 'folder' THEN without_folder(key)
        WHEN 'leading zeros' THEN without_leading_zeros(key)
        WHEN 'separators' THEN without_separators(key)
        WHEN 'quotes' THEN without_quotes(key)
        WHEN 'invisible characters' THEN without_invisible(key)
        WHEN 'the form of characters' THEN with_plain_characters(key)
        WHEN 'the form of numbers' THEN with_digits_alone(key)
        WHEN 'Unicode form' THEN CASE WHEN strlen(key) = length(key) THEN key ELSE nfc_normalize(key) END
        WHEN 'several of these' THEN
            without_separators(without_leading_zeros(without_extension(without_folder(lower(nfc_normalize(key))))))
        ELSE key
    END;
