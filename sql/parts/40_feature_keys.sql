-- Makes feature_keys, as match/20_feature_keys makes it, of the values that a task brings: the distinct values of the
-- key columns in its parts that have a label, with the position of the label in the label columns of the task.
CREATE OR REPLACE TEMP TABLE feature_keys AS
SELECT * FROM {{ table | ident }};
