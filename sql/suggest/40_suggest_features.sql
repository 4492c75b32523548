-- Makes suggest_features: the distinct values of the columns that a rule makes keys of, in all feature rows. Empty at
-- first.
CREATE TEMP TABLE suggest_features (
    columns INTEGER,            -- the number of the set of columns
    texts VARCHAR[],            -- what the parts of a key are made of
    is_fault BOOLEAN,
    rows BIGINT
);
