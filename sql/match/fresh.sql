-- Drops the tables of the last features, to make room for the next on the same labels.
DROP TABLE IF EXISTS temp.part_values;
DROP TABLE IF EXISTS temp.part_labels;
DROP TABLE IF EXISTS temp.feature_values;
DROP TABLE IF EXISTS temp.feature_keys;
DROP TABLE IF EXISTS temp.near_pairs;
DROP TABLE IF EXISTS temp.doubtful_pairs;
DROP TABLE IF EXISTS temp.near_keys;
