-- Makes suggest_values: the distinct values of the columns that may be keys, in a sample of the rows of every file.
-- Empty at first.
CREATE TEMP TABLE suggest_values (
    file INTEGER,               -- -1: the features; from 0: the label files
    place INTEGER,              -- of the column in its file, from 0
    text VARCHAR,               -- what its key would be made of, trimmed; NULL: it has none
    is_fault BOOLEAN,           -- it cannot be a key
    rows BIGINT
);
