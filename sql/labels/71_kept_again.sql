-- Makes a table of labels of what labels/70_kept returned.
CREATE TEMP TABLE {{ table | ident }} AS
SELECT * FROM {{ kept | ident }};
