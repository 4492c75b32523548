-- Drops the labels of the last table that was labelled, and the view of it, to make room for the next. The tables of its
-- features are replaced.
DROP VIEW IF EXISTS temp.labelled;
DROP VIEW IF EXISTS temp.labels;
DROP VIEW IF EXISTS temp.numbered_labels;
DROP VIEW IF EXISTS temp.label_keys;
DROP VIEW IF EXISTS temp.label_scores;
DROP VIEW IF EXISTS temp.label_rows;
DROP TABLE IF EXISTS temp.held_labels;
DROP TABLE IF EXISTS temp.label_cells;
DROP TABLE IF EXISTS temp.label_scales;
DROP TABLE IF EXISTS temp.label_repeats;
