"""What a refused file is, told from its first bytes, so that the reason helps."""

_TAKEN = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG": "PNG",
    b"RIFF": "WebP",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
}
_NOT_TAKEN = {
    b"GIF8": "a GIF",
    b"%PDF": "a PDF",
    b"%!PS": "PostScript (EPS)",
    b"\xc5\xd0\xd3\xc6": "PostScript (EPS)",
    b"PK\x03\x04": "a zip archive",
    b"8BPS": "a Photoshop file",
    b"II+\0": "a BigTIFF",
    b"MM\0+": "a BigTIFF",
    b"\0\0\0\x0cjP": "JPEG 2000",
}
HEAD_BYTES = 512  # enough to tell
_TEXT_CONTROLS = b"\t\n\r\f"


def looks_taken(data: bytes) -> bool:
    """Whether a file begins like one of the formats that are taken."""
    return data.startswith(tuple(_TAKEN))


def why_not_taken(data: bytes) -> str:
    """Why a file that no reader could open is refused, and what to do, in two sentences."""
    if not data:
        return "The file is empty. Copy it again from where it came."
    taken = next((name for start, name in _TAKEN.items() if data.startswith(start)), None)
    if taken is not None:
        return (
            f"It begins like a {taken} but is damaged, cut off, or of a rare kind. "
            "Copy it again from where it came, or save it anew as PNG."
        )
    return f"It is {_kind(data)}, not JPEG, PNG, WebP, BMP or TIFF. Save it as one of these and import that."


def _kind(data: bytes) -> str:
    for start, kind in _NOT_TAKEN.items():
        if data.startswith(start):
            return kind
    if data[4:8] == b"ftyp":
        return "a HEIC, AVIF or video file"
    head = data[:HEAD_BYTES].removeprefix(b"\xef\xbb\xbf").lstrip()
    if head.startswith(b"<"):
        return "SVG, HTML or XML text"
    if all(byte >= 32 or byte in _TEXT_CONTROLS for byte in head):
        return "text"
    return "no picture"
