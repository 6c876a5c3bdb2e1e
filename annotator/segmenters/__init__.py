"""Promptable networks behind one protocol. The only room that imports torch, and not before one is loaded."""

import os

from annotator.segmenters.registry import SEGMENTERS, get_segmenter

# Read once, when torch is loaded. Left to itself a thread that waits for the others keeps its core busy, so that two
# things at once (a click while a picture is encoded, or any other program) take ten times as long instead of twice.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__all__ = ["SEGMENTERS", "get_segmenter"]
