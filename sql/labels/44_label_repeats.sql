-- Makes label_repeats: one row per later label of a key: all but its first in file order, then row order.
CREATE TEMP TABLE label_repeats AS
WITH scored AS (
    SELECT label_id, key FROM label_rows WHERE key IS NOT NULL AND mos_state = 'ok'
)
SELECT label_id
FROM scored
WHERE label_id NOT IN (SELECT min(label_id) FROM scored GROUP BY key);
