-- Writes the rows of a file with the mean of its columns of votes. It is shown to be pasted, and not run here, so nothing
-- in it is bound.
COPY (
    SELECT
        *,
        list_avg(list_value(*COLUMNS({{ pattern | text }}))) AS mos,
        list_stddev_samp(list_value(*COLUMNS({{ pattern | text }}))) AS mos_std_dev,
        list_count(list_value(*COLUMNS({{ pattern | text }}))) AS mos_n_ratings
    FROM {{ table_function }}({{ path | text }})
) TO {{ out | text }} (HEADER)
