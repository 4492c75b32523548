-- The texts that the other rules and statements share. Each is one text by the time that a statement runs.

-- white_space(): what str.strip() of Python removes, all of Unicode's white space.
CREATE OR REPLACE {{ TEMP }} MACRO white_space() AS json_extract_string(
    '"\u0009\u000a\u000b\u000c\u000d\u001c\u001d\u001e\u001f\u0020\u0085\u00a0\u1680' ||
    '\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"', '$');

-- scale_range(): two numbers with two dots between them (groups 1 and 2), or without signs with a dash (3 and 4), as
-- mos_scale is written short. 01-05 is a date that a spreadsheet made of 1-5.
CREATE OR REPLACE {{ TEMP }} MACRO scale_range() AS replace(
    '^(?:([+-]?@) *[.][.] *([+-]?@)|(@) *- *(@))$', '@', '(?:0|[1-9][0-9]{0,14})(?:[.][0-9]{1,15})?');

-- json_text(), json_member(): patterns of a text and of one member of an object: name, colon and value, with the white
-- space around them. RE2 cannot count brackets, so a value may nest ten deep.
CREATE OR REPLACE {{ TEMP }} MACRO json_text() AS '"(?:[^"\\]|\\.)*"';
CREATE OR REPLACE {{ TEMP }} MACRO json_member() AS '\s*' || json_text() || '\s*:\s*(?:' || json_text()
    || '|[^",\[\]{}]+|' || replace(
        repeat('[\[{](?:@|[^"\[\]{}]|', 10) || '#' || repeat(')*[\]}]', 10), '@', json_text()) || ')\s*';
