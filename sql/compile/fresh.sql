-- Drops the tables of the last table that was labelled, to make room for the next.
DROP VIEW IF EXISTS temp.labelled;
DROP TABLE IF EXISTS temp.label_inputs;
DROP TABLE IF EXISTS temp.label_rows;
DROP TABLE IF EXISTS temp.label_scales;
DROP TABLE IF EXISTS temp.label_scores;
DROP TABLE IF EXISTS temp.labels;
DROP TABLE IF EXISTS temp.feature_values;
DROP TABLE IF EXISTS temp.feature_keys;
DROP TABLE IF EXISTS temp.part_values;
