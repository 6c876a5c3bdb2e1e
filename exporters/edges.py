"""Masks' exact outlines along the edges of their pixels, walked from their runs: no pixel is ever unpacked.

Each piece of a run within one column has a horizontal edge over it and one under it; equal ones beside each other make
one long edge. On every vertical line of the grid the ends of long edges pair off from the top: between the two of a
pair, the pixels left and right of the line differ. So each horizontal edge meets a vertical one at either end, and
following them in turn walks the rings.

Many masks are done at once, side by side in one wide picture with a column between them: alone, each would cost numpy
more to set out than to work.
"""

from collections.abc import Sequence

import numpy as np

from storage.rle import Rle, runs_of

Part = list[np.ndarray]


def edge_parts(rles: Sequence[Rle]) -> list[list[Part]]:
    """Masks of one size, one at least -> each one's parts from left to right; a part is its rings, the outer one first.

    A ring is N×2 int32 (x, y) in pixels of the whole picture, its corners alone, N >= 4, not closed. Pixels that touch
    at a corner alone are in two parts; no ring passes a place twice, and two rings of a part share one place at most:
    a part is a valid polygon. An empty mask has no part.
    """
    found: list[list[Part]] = [[] for _ in rles]
    height, stride = rles[0].size_hw[0], rles[0].size_hw[1] + 1
    column, top, bottom = _pieces(rles, height, stride)
    if not len(column):
        return found
    left, right, row, is_under, edge_of = _long_edges(column, top, bottom, height, len(rles) * stride)
    # Places are numbered column by column.
    ends = np.stack([left, right]) * (height + 1) + row
    following, touching = _following(ends, is_under)
    walk, begins = _cycles(following)
    ring_of = np.empty(len(walk), np.int64)
    ring_of[walk] = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(walk)))
    is_outer = np.add.reduceat(((2 * is_under - 1) * row * (right - left))[walk], begins) > 0
    least = np.minimum.reduceat(left[walk], begins)
    one, other = ring_of[touching]
    to_cut = set(one[one == other].tolist())
    # A hole is in the part of the piece to its left, whose ring begins further left than the hole's.
    at_least = np.flatnonzero(left[walk] == least[ring_of[walk]])
    edge = walk[at_least[np.searchsorted(at_least, begins)]]
    beside = (left[edge] - 1) * height + row[edge] - 1 + is_under[edge]
    around = ring_of[edge_of[np.searchsorted(column * height + top, beside, side="right") - 1]].tolist()

    # With the mask to the right: forth over it, back under it.
    places = np.where(is_under, ends[::-1], ends).T[walk].reshape(-1)
    x, y = np.divmod(places, height + 1)
    corners = np.stack([x % stride, y], axis=1).astype(np.int32)
    bounds = (2 * np.append(begins, len(walk))).tolist()
    part_of: dict[int, Part] = {}
    for ring in np.argsort(least, kind="stable").tolist():
        if is_outer[ring]:
            part_of[ring] = []
            found[int(least[ring]) // stride].append(part_of[ring])
        else:
            part_of[ring] = part_of[around[ring]]
        along = slice(bounds[ring], bounds[ring + 1])
        part_of[ring] += _cut(corners[along], places[along]) if ring in to_cut else [corners[along]]
    return found


def _pieces(rles: Sequence[Rle], height: int, stride: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The runs inside the masks, cut where a column ends: each one's column, first row, and row after the last."""
    bounds = []
    for number, runs in enumerate(runs_of(rles)):
        changes = np.cumsum(runs) + number * stride * height
        bounds.append(changes[: len(changes) // 2 * 2])
    starts, stops = np.concatenate(bounds).reshape(-1, 2).T
    first = starts // height
    counts = (stops - 1) // height - first + 1
    column = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    begin = column * height
    return (
        column,
        np.maximum(np.repeat(starts, counts) - begin, 0),
        np.minimum(np.repeat(stops, counts) - begin, height),
    )


def _long_edges(
    column: np.ndarray, top: np.ndarray, bottom: np.ndarray, height: int, columns: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(first column, column after the last, row, 1 under the mask and 0 over it; for each piece the edge over it)."""
    # Those over the mask, then those under it; row by row, so that what makes one long edge follows in turn.
    key = np.concatenate([top, bottom + height + 1]) * columns + np.concatenate([column, column])
    order = np.argsort(key)
    is_first = np.diff(key[order], prepend=-2) != 1
    first = np.flatnonzero(is_first)
    line, left = np.divmod(key[order[first]], columns)
    is_under, row = np.divmod(line, height + 1)
    edge_of = np.empty(len(key), np.int64)
    edge_of[order] = np.cumsum(is_first) - 1
    return left, left + np.diff(first, append=len(key)), row, is_under, edge_of


def _following(ends: np.ndarray, is_under: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the edge after each one, 2×M pairs of edges that touch at a corner).

    ends: 2×N places, the left ends and the right ones.
    """
    count = ends.shape[1]
    # Where two pixels touch at a corner, the vertical edge above it belongs to the upper pixel: they stay apart.
    order = np.argsort((2 * ends + 1 - is_under).reshape(-1))
    partner = np.empty(2 * count, np.int64)
    partner[order[::2]], partner[order[1::2]] = order[1::2], order[::2]
    touches = np.flatnonzero(np.diff(ends.reshape(-1)[order]) == 0)
    touching = np.stack([order[touches], order[touches + 1]]) % count
    return partner[np.arange(count) + count * (1 - is_under)] % count, touching


def _cycles(following: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(all edges, ring after ring; where each ring begins there)."""
    ahead = following.tolist()
    walk: list[int] = []
    begins = []
    for start in range(len(ahead)):
        if ahead[start] >= 0:
            begins.append(len(walk))
            edge = start
            while (after := ahead[edge]) >= 0:
                walk.append(edge)
                ahead[edge], edge = -1, after
    return np.array(walk), np.array(begins)


def _cut(corners: np.ndarray, places: np.ndarray) -> Part:
    """A ring cut where it passes a place again, into rings that do not; the one around all others comes first."""
    rings: list[list[int]] = []
    path: list[int] = []
    met: dict[int, int] = {}
    for number, place in enumerate(places.tolist()):
        if place in met:
            back = met[place]
            rings.append(path[back:])
            for gone in path[back + 1 :]:
                del met[int(places[gone])]
            del path[back + 1 :]
        else:
            met[place] = len(path)
            path.append(number)
    found = [corners[ring] for ring in [*rings, path]]
    return sorted(found, key=lambda ring: int(np.ptp(ring[:, 0])), reverse=True)
