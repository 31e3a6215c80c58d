"""Show bytes that a camera chose on a terminal: nothing of them reaches it raw. Pure."""

HEX_PER_LINE = 32


def printable(text: str) -> str:
    """Return text on one line, with every control, bidirectional and unassigned character as an escape."""
    return "".join(each if each.isprintable() else _escape(each) for each in text)


def payload_lines(payload: bytes) -> list[str]:
    """Return a payload as one line of escaped text, or as hex where it is no text."""
    try:
        return [printable(payload.decode())]
    except UnicodeDecodeError:
        starts = range(0, len(payload), HEX_PER_LINE)
        return [f"{at:08x}  {payload[at : at + HEX_PER_LINE].hex(' ')}" for at in starts]


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
