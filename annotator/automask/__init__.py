"""Masks for a whole picture: a grid of points asked of the segmenter, and what came of it sifted."""

from annotator.automask.generator import Proposal, Proposals, generate
from annotator.automask.settings import AutomaskSettings

__all__ = ["AutomaskSettings", "Proposal", "Proposals", "generate"]
