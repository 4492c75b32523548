-- Returns the labelled table.
FROM labelled;
