-- Writes the rows of a file with the mean of votes that are counted in a list: the first number is how many voted 1. It
-- is shown to be pasted, and not run here, so nothing in it is bound.
COPY (
    SELECT
        * EXCLUDE (votes),
        list_dot_product(votes, CAST(range(1, len(votes) + 1) AS DOUBLE[])) / list_sum(votes) AS mos,
        CAST(list_sum(votes) AS BIGINT) AS mos_n_ratings
    FROM (
        SELECT * EXCLUDE ({{ score | ident }}), CAST({{ score | ident }} AS DOUBLE[]) AS votes
        FROM {{ table_function }}({{ path | text }})
    )
) TO {{ out | text }} (HEADER)
