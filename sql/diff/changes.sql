-- Every clip of two tables: its score in the old and in the new one, NULL where it has none, and what that is: gained, lost,
-- changed or same.
SELECT key, old.mos AS old, new.mos AS new, CASE
    WHEN old.key IS NULL THEN 'gained'
    WHEN new.key IS NULL THEN 'lost'
    WHEN old.mos IS DISTINCT FROM new.mos THEN 'changed'
    ELSE 'same'
END AS change
FROM (FROM diff_clips WHERE side = 'old') AS old FULL JOIN (FROM diff_clips WHERE side = 'new') AS new USING (key)
