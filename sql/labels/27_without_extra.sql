-- Takes the values of an extra out of label_rows that one label file has.
-- Parameters: $file
UPDATE label_rows SET {{ extra.text | ident }} = NULL, {{ extra.type | ident }} = NULL WHERE file = $file;
