-- How many clips were gained, lost, changed or stayed the same, and by how much the scores of the changed ones differ, on the
-- 1-5 scale. The sums are in the order of the keys, so that they do not depend on threads.
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
FROM ({% include 'diff/changes.sql' %});
