-- How many labels there are (distinct keys), and how many later labels of a key said the same as the first.
SELECT
    (SELECT count(*) FROM labels) AS labels_loaded,
    (SELECT count(*) FROM label_scores) - (SELECT count(*) FROM labels) AS duplicate_labels;
