-- Writes the mean of each clip, from a row for each clip and person. It is shown to be pasted, and not run here, so
-- nothing in it is bound.
COPY (
    SELECT
        {{ clip | ident }},
        avg({{ score | ident }}) AS mos,
        stddev_samp({{ score | ident }}) AS mos_std_dev,
        count({{ score | ident }}) AS mos_n_ratings
    FROM {{ table_function }}({{ path | text }})
    GROUP BY {{ clip | ident }}
    ORDER BY {{ clip | ident }}
) TO {{ out | text }} (HEADER)
