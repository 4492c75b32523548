{#- Return a text file as it is: one row per line, a blank one NULL. No quote means anything here, and the delimiter is
    made of control characters that no text of JSON or CSV holds, so that it never cuts a line.
    Parameters: $path, $compression -#}
{%- macro lines() -%}
SELECT line
FROM read_csv(
    $path, columns = {'line': 'VARCHAR'}, delim = chr(28) || chr(29) || chr(30) || chr(31), header = false,
    quote = '', escape = '', auto_detect = false, strict_mode = false, hive_partitioning = false,
    compression = $compression, max_line_size = 67108864, buffer_size = 67108864)
{%- endmacro -%}
