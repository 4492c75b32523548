-- Makes the view labelled: the labelled table, in the order of the file: the features, and beside them their label
-- columns. To write it: COPY labelled TO 'labelled.parquet'. Cells of CSV are texts, and those of JSON are JSON values.
-- Of many parts it has the columns that all of them have, each of one type.
-- Parameters: those of the file
{%- from 'sources/cells.sql' import rows %}
CREATE OR REPLACE TEMP VIEW labelled AS
SELECT
    {%- for cell in feature_cells %}
    feature_rows.{{ cell.value | ident }} AS {{ cell.column.name | ident }},
    {%- endfor %}
    labels.mos AS {{ label_names[0] | ident }},
    labels.mos_raw_0_100 AS {{ label_names[1] | ident }},
    CASE WHEN labels.label_id IS NULL THEN 'missing-label' ELSE 'ok' END AS {{ label_names[2] | ident }},
    coalesce(labels.source, '') AS {{ label_names[3] | ident }}
    {%- for extra in typed_extras %},
    labels.{{ extra.value | ident }} AS {{ label_names[loop.index + 3] | ident }}
    {%- endfor %}
FROM ({{ rows(source, cells) }}) AS feature_rows
LEFT JOIN feature_keys ON
    {%- for cell in keys %}
    {% if not loop.first %}AND {% endif -%}
    feature_rows.{{ cell.value | ident }} IS NOT DISTINCT FROM feature_keys.{{ cell.value | ident }}
    {%- endfor %}
LEFT JOIN labels ON labels.label_id = feature_keys.label_id
ORDER BY feature_rows.row;
