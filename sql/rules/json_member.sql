-- json_text, json_member: patterns of a JSON text and of one member of an object, as it was written: name, colon and
-- value with the white space around them. RE2 cannot count brackets, so a value may nest ten deep.
SET VARIABLE json_text = '"(?:[^"\\]|\\.)*"';
SET VARIABLE json_member = '\s*' || getvariable('json_text') || '\s*:\s*(?:' || getvariable('json_text')
    || '|[^",\[\]{}]+|' || replace(
        list_reduce(
            list_transform(range(10), lambda i: '[\[{](?:@|[^"\[\]{}]|#)*[\]}]'),
            lambda outside, inside: replace(outside, '#', inside)),
        '@', getvariable('json_text')) || ')\s*';
