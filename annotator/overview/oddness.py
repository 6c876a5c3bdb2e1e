"""How unlike the others of its category an instance is."""

import numpy as np

from annotator.overview.look import TRAITS

FEWEST = 4  # instances of a category; among fewer, none is the odd one
# What a trait varies by where nothing is odd: differences below say nothing, however alike all others are.
USUAL = np.array([0.15, 0.2, 0.06, 8, 4, 4, 5], np.float32)
FARTHEST = 8.0  # spreads; one trait that is off altogether must not outweigh all others for ever
assert len(USUAL) == TRAITS


def oddness(traits: np.ndarray, category_ids: np.ndarray) -> np.ndarray:
    """N×TRAITS float32 and N ids -> N float32, 0 or more: the distance from the middle of the instance's category.

    The middle is the median of each trait and the unit the median distance from it, which the odd ones themselves
    hardly move. Traits that are not known (NaN) count as usual.
    """
    found = np.zeros(len(traits), np.float32)
    for category_id in np.unique(category_ids):
        mine = np.flatnonzero(category_ids == category_id)
        if len(mine) < FEWEST:
            continue
        known = np.isfinite(traits[mine])
        some = np.where(known, traits[mine], 0)
        hidden = np.ma.masked_array(some, mask=~known)
        middle = np.ma.median(hidden, axis=0).filled(0)
        spread = 1.4826 * np.ma.median(np.ma.abs(hidden - middle), axis=0).filled(0) + USUAL
        off = np.where(known, np.abs(some - middle) / spread, 0).clip(0, FARTHEST)
        found[mine] = np.sqrt((off**2).mean(axis=1))
    return found
