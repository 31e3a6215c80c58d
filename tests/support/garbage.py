"""Bodies and queries that no client of ours sends, and that no route may answer with a defect."""

BODIES: dict[str, bytes] = {
    "nothing": b"",
    "half an object": b"{",
    "a list": b"[]",
    "null": b"null",
    "a text": b'"x"',
    "no UTF-8": b"\xff\xfe",
    "not a number": b'{"name": NaN}',
    "a huge number": b'{"name": 1e400, "limit": ' + b"9" * 400 + b"}",
    "an endless number": b'{"name": ' + b"9" * 5_000 + b"}",
    "a name twice": b'{"token": "x", "token": "y"}',
    "a NUL": b'{"name": "a\\u0000b", "token_id": "\\u0000"}',
    "half a surrogate pair": b'{"name": "\\ud800"}',
    "deep lists": b"[" * 30_000,
    "deep objects": b'{"a":' * 10_000,
    "a long name": b'{"name": "' + b"A" * 10_000 + b'"}',
}
KINDS = ("application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
QUERIES = (
    "limit=x",
    "limit=0",
    "limit=-1",
    "limit=" + "9" * 30,
    "cursor=%00",
    "cursor=%ff",
    "cursor=" + "9" * 30,
    "site=%00",
    "label=%00",
    "camera=" + "a" * 2_000,
    "after=NaN",
    "after=0001-01-01T00:00:00Z",
    "before=9999-12-31T23:59:59-23:59",
    "state=bogus",
    "unheard=of",
)
