-- Sets what the statements rely on, so that neither the machine, its time zone nor a database of other settings decides
-- a text or an order: for this session alone, or for all sessions of a database of our own. Rows keep their order:
-- scans of text files have no other to go by. Keys are compared exactly. Instants are in UTC. The template is given the
-- names of the settings that DuckDB has here: not every build has time zones and calendars, and not every version has
-- the others.
SET {{ SCOPE }} preserve_insertion_order = true;
SET {{ SCOPE }} default_collation = '';
SET {{ SCOPE }} default_order = 'ASC';
SET {{ SCOPE }} default_null_order = 'NULLS_LAST';
SET {{ SCOPE }} integer_division = false;
SET {{ SCOPE }} ieee_floating_point_ops = true;
{%- for name, value in (
    ('TimeZone', 'UTC'),
    ('Calendar', 'gregorian'),
    ('disable_timestamptz_casts', 'false'),
    ('old_implicit_casting', 'false'),
    ('binary_as_string', 'false'),
    ('dialect_compatibility_mode', 'NONE'),
    ('scalar_subquery_error_on_multiple_rows', 'true'),
    ('arrow_large_buffer_size', 'false'),
    ('arrow_lossless_conversion', 'false'),
    ('arrow_output_list_view', 'false'),
    ('arrow_output_version', '1.0'),
    ('produce_arrow_string_view', 'false'),
) if name in names %}
SET {{ SCOPE }} {{ name | ident }} = {{ value | text }};
{%- endfor %}
