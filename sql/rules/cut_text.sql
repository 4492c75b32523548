-- cut_text(text): a text as messages and samples hold it: of one that is too long for a key, its beginning.
CREATE OR REPLACE TEMP MACRO cut_text(text) AS
    CASE WHEN strlen(text) > 65536 THEN left(text, 1000) ELSE text END;
