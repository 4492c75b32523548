-- Returns how many clips of two tables were gained, lost, changed or stayed the same, the first of each, and by how
-- much the scores of the changed ones differ, on the 1-5 scale: one row. The sums are in the order of the keys, so that
-- they do not depend on threads.
WITH changes AS (
    SELECT key, old.mos AS old, new.mos AS new, CASE
        WHEN old.key IS NULL THEN 'gained'
        WHEN new.key IS NULL THEN 'lost'
        WHEN old.mos IS DISTINCT FROM new.mos THEN 'changed'
        ELSE 'same'
    END AS change
    FROM (FROM diff_clips WHERE side = 'old') AS old FULL JOIN (FROM diff_clips WHERE side = 'new') AS new USING (key)
)
SELECT
    count(*) FILTER (WHERE change = 'gained') AS gained,
    count(*) FILTER (WHERE change = 'lost') AS lost,
    count(*) FILTER (WHERE change = 'changed') AS changed,
    count(*) FILTER (WHERE change = 'same') AS same,
    sum(new - old ORDER BY key) FILTER (WHERE change = 'changed')
        / nullif(count(*) FILTER (WHERE change = 'changed'), 0) AS mean_change,
    sum(abs(new - old) ORDER BY key) FILTER (WHERE change = 'changed')
        / nullif(count(*) FILTER (WHERE change = 'changed'), 0) AS mean_absolute_change,
    list(key ORDER BY key) FILTER (WHERE change = 'gained')[:10] AS first_gained,
    list(key ORDER BY key) FILTER (WHERE change = 'lost')[:10] AS first_lost,
    list({'key': key, 'old': old, 'new': new, 'change': new - old} ORDER BY abs(new - old) DESC, key)
        FILTER (WHERE change = 'changed')[:10] AS largest
FROM changes;
