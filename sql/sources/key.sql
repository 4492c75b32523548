{#- The key of a row, from the texts and types of its key columns: what they hold (raw_value), why one of them cannot
    be a part of a key and which (fault_part, from 1), and the key. The key of several columns is all its parts together.
    Selected from sources/key_parts.
    Parameters: $regex, $capture: a list each, with an entry per key column -#}
{%- if keys | length == 1 %}
cut_text({{ keys[0].text | ident }}) AS raw_value,
{%- else %}
CAST(to_json([
    {%- for cell in keys %}cut_text({{ cell.text | ident }}){% if not loop.last %}, {% endif %}{% endfor -%}
]) AS VARCHAR) AS raw_value,
{%- endif %}
coalesce(
    {%- for cell in keys %}
    key_fault({{ cell.text | ident }}, {{ cell.type | ident }}){% if not loop.last %},{% endif %}
    {%- endfor %}
) AS key_fault,
CASE
    {%- for cell in keys %}
    WHEN key_fault({{ cell.text | ident }}, {{ cell.type | ident }}) IS NOT NULL THEN {{ loop.index | number }}
    {%- endfor %}
END AS fault_part,
{% if keys | length > 1 %}compound_key([{% endif %}
{%- for cell in keys %}
extract_key(
    {{ (cell.alias ~ '_part') | ident }}, CAST($regex[{{ loop.index | number }}] AS VARCHAR), $capture[{{ loop.index | number }}]){% if not loop.last %},{% endif %}
{%- endfor %}
{%- if keys | length > 1 %}]){% endif %} AS key
