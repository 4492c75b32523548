-- Sets the texts that the rules and statements share. DuckDB keeps a variable for a session alone.

-- white_space: what str.strip() of Python removes, all of Unicode's white space.
SET VARIABLE white_space = array_to_string(list_transform(
    range(9, 14) || range(28, 33) || [133, 160, 5760] || range(8192, 8203) || [8232, 8233, 8239, 8287, 12288],
    lambda code: chr(code::INTEGER)), '');

-- scale_range: two numbers with two dots between them (groups 1 and 2), or without signs with a dash (3 and 4), as
-- mos_scale is written short. 01-05 is a date that a spreadsheet made of 1-5.
SET VARIABLE scale_range = replace(
    '^(?:([+-]?@) *[.][.] *([+-]?@)|(@) *- *(@))$', '@', '(?:0|[1-9][0-9]{0,14})(?:[.][0-9]{1,15})?');

-- json_text, json_member: patterns of a text and of one member of an object: name, colon and value, with the white
-- space around them. RE2 cannot count brackets, so a value may nest ten deep.
SET VARIABLE json_text = '"(?:[^"\\]|\\.)*"';
SET VARIABLE json_member = '\s*' || getvariable('json_text') || '\s*:\s*(?:' || getvariable('json_text')
    || '|[^",\[\]{}]+|' || replace(
        list_reduce(
            list_transform(range(10), lambda i: '[\[{](?:@|[^"\[\]{}]|#)*[\]}]'),
            lambda outside, inside: replace(outside, '#', inside)),
        '@', getvariable('json_text')) || ')\s*';
