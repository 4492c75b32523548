-- Returns more rows than anybody reads. While its result is open on a connection, reading on says whether that was
-- interrupted.
FROM range(1000000000000000);
