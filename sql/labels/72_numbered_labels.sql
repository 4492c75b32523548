-- Makes numbered_labels of labels that were kept: labels, which holds no later label of a key.
CREATE TEMP VIEW numbered_labels AS
FROM labels;
