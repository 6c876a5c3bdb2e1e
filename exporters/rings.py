"""Several closed rings written as one: holes by a keyhole, parts by a bridge, each walked there and back."""

from collections.abc import Sequence

import numpy as np

_SPACING = 4  # pixels between the places on a long edge where a bridge may start
_MAX_PLACES = 4000  # longer outlines get wider spacing: finding the bridges is quadratic in the number of places
_BLOCK = 256  # places compared at once, so that memory stays bounded


def join_rings(rings: Sequence[np.ndarray]) -> np.ndarray:
    """Join rings, the first being the main one, into one ring over the shortest bridges between them.

    Each ring is N×2 int (x, y), N >= 1, not closed (the first point is not repeated). A bridge is walked there and
    back, so under the even-odd rule it encloses nothing: holes stay holes, parts stay parts. A rasteriser that paints
    the outline itself (cv2.fillPoly) also paints the bridge, one pixel wide. Returns M×2 int.
    """
    if len(rings) == 1:
        return rings[0]
    places, corner, owner = _places(rings)
    first = np.searchsorted(owner, np.arange(len(rings)))
    count = np.diff(np.append(first, len(places)))
    return places[_walk(corner, first, count, _shortest_bridges(places, owner, first, count))]


def _places(rings: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where bridges may end: all corners, and points along long edges. (V×2 int, V bool is a corner, V int ring)."""
    edges = [np.abs(np.roll(ring, -1, axis=0) - ring).max(axis=1) for ring in rings]
    spacing = max(_SPACING, int(sum(int(edge.sum()) for edge in edges)) // _MAX_PLACES)
    places, corner, owner = [], [], []
    for number, (ring, length) in enumerate(zip(rings, edges, strict=True)):
        pieces = np.maximum(1, -(-length // spacing))
        edge = np.repeat(np.arange(len(ring)), pieces)
        step = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        # Whole steps along the longer axis: on horizontal, vertical and 45° edges the points lie exactly on the edge.
        share = step * spacing / np.maximum(1, length[edge])
        along = (np.roll(ring, -1, axis=0) - ring)[edge] * share[:, None]
        places.append(ring[edge] + np.round(along).astype(ring.dtype))
        corner.append(step == 0)
        owner.append(np.full(len(edge), number))
    return np.concatenate(places), np.concatenate(corner), np.concatenate(owner)


def _shortest_bridges(
    places: np.ndarray, owner: np.ndarray, first: np.ndarray, count: np.ndarray
) -> dict[int, list[int]]:
    """The shortest tree over all rings (Prim), as {place: the places on other rings that hang on it}."""
    bridges: dict[int, list[int]] = {}
    waiting = np.arange(count[0], len(places))  # places of rings that are not reached yet
    distance = np.full(len(places), np.inf)
    nearest = np.zeros(len(places), dtype=np.intp)
    reached = 0
    while len(waiting):
        for start in range(first[reached], first[reached] + count[reached], _BLOCK):
            block = places[start : min(start + _BLOCK, first[reached] + count[reached])].astype(np.float64)
            gaps = ((places[waiting, None, :] - block[None]) ** 2).sum(axis=2)
            best = gaps.argmin(axis=1)
            gap = gaps[np.arange(len(waiting)), best]
            nearer = gap < distance[waiting]
            distance[waiting[nearer]] = gap[nearer]
            nearest[waiting[nearer]] = start + best[nearer]
        landing = int(waiting[distance[waiting].argmin()])
        bridges.setdefault(int(nearest[landing]), []).append(landing)
        reached = int(owner[landing])
        waiting = waiting[owner[waiting] != reached]
    return bridges


def _walk(corner: np.ndarray, first: np.ndarray, count: np.ndarray, bridges: dict[int, list[int]]) -> list[int]:
    """The places in walking order: round each ring, over every bridge met, round the ring there, and back."""
    ring_of = np.repeat(np.arange(len(first)), count)
    wanted = corner.copy()
    for start, landings in bridges.items():
        wanted[[start, *landings]] = True

    def backwards_from(entry: int) -> list[tuple[int, bool]]:
        ring = ring_of[entry]
        turn = first[ring] + (np.arange(count[ring]) + entry - first[ring]) % count[ring]
        return [(int(place), True) for place in turn[::-1] if wanted[place]]

    path: list[int] = []
    ahead = backwards_from(0)  # a stack, not recursion: a mask may have thousands of parts one behind the other
    while ahead:
        place, is_first_visit = ahead.pop()
        path.append(place)
        for landing in bridges.get(place, []) if is_first_visit else []:
            ahead += [(place, False), (landing, False), *backwards_from(landing)]
    return path
