"""The segmenter that works at once: a small network of our own, its weights beside it. MODEL_CARD.md describes it."""

from annotator.segmenters.builtin.segmenter import BuiltinSegmenter, load

__all__ = ["BuiltinSegmenter", "load"]
