-- Takes the values of an extra out of label_cells that one label file has.
-- Parameters: $file
UPDATE label_cells SET {{ extra.text | ident }} = NULL, {{ extra.type | ident }} = NULL WHERE file = $file;
