"""Promptable networks behind one protocol. The only room that imports torch, and not before one is loaded."""

from annotator.segmenters.registry import SEGMENTERS, get_segmenter

__all__ = ["SEGMENTERS", "get_segmenter"]
