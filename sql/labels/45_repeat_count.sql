-- Returns how many labels are later ones of their key: one row.
SELECT count(*) AS repeats FROM label_repeats;
