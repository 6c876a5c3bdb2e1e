"""What stops an export."""


class ExportError(Exception):
    """An export could not be written; the text says what stood in the way and what to do."""
