-- without_texts(x): JSON text whose texts are empty, so that a pattern finds only what stands outside of them.
CREATE OR REPLACE TEMP MACRO without_texts(x) AS
    regexp_replace(x, getvariable('json_text'), '""', 'g');
