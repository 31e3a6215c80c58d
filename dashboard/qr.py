"""Draw a text as a QR code that a page can show as a picture. Pure."""

import segno

# A phone reads black on white best, in dark mode too; four modules of white belong around the code.
QUIET_MODULES = 4


def qr_data_uri(text: str) -> str:
    """Return the code as an SVG picture in a data: address, without any style that a strict policy would refuse."""
    code = segno.make(text, error="m", micro=False)
    return code.svg_data_uri(
        border=QUIET_MODULES, omitsize=True, dark="#000", light="#fff", svgclass=None, lineclass=None
    )
