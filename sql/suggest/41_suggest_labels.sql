-- Makes suggest_labels: all label rows, with the values of the columns that a rule makes keys of, and the score on 1-5.
-- Empty at first.
CREATE TEMP TABLE suggest_labels (
    columns INTEGER,            -- the number of the set of columns
    file INTEGER,
    row BIGINT,
    texts VARCHAR[],            -- what the parts of a key are made of
    is_fault BOOLEAN,
    mos DOUBLE                  -- NULL: the row has none
);
