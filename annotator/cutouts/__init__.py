"""Objects cut out of their pictures: alpha with clean edges, another background, photos for identity papers."""

from annotator.cutouts.backgrounds import PRESETS, Background, BackgroundKind
from annotator.cutouts.options import CutoutOptions
from annotator.cutouts.photosizes import PHOTO_SIZES, PhotoSize
from annotator.cutouts.usecases import Cutouts

__all__ = ["PHOTO_SIZES", "PRESETS", "Background", "BackgroundKind", "CutoutOptions", "Cutouts", "PhotoSize"]
