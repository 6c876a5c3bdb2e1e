"""Several closed rings written as one: holes by a keyhole, parts by a bridge, each walked there and back."""

from collections.abc import Sequence

import numpy as np
import shapely

_SPACING = 4  # pixels between the places on a long edge where a bridge may start
_MAX_PLACES = 4000  # longer outlines get wider spacing
_MANY_HOLES = 1000


def join_rings(rings: Sequence[np.ndarray]) -> np.ndarray:
    """Join rings into one ring over the shortest bridges between them, starting on the first one.

    Each ring is N×2 (x, y), whole numbers from 0 on, N >= 1, not closed (the first point is not repeated). A bridge is
    walked there and back, so under the even-odd rule it encloses nothing: holes stay holes, parts stay parts. A
    rasteriser that paints the outline itself (cv2.fillPoly) also paints the bridge, one pixel wide. Returns M×2 int.
    """
    if len(rings) == 1:
        return rings[0]
    places, corner, ring_of = _places(rings)
    return places[_walk(corner, ring_of, _shortest_bridges(places, ring_of))]


def hang_holes(rings: Sequence[np.ndarray]) -> np.ndarray:
    """Join a part's outer ring (the first) and its holes into one: each hole over a level bridge to its left.

    Each ring is N×2 (x, y), not closed. Where they are those of a valid polygon no bridge leaves the part: it goes from
    where a hole reaches furthest left to the first edge that it meets, there and back as in join_rings. Returns M×2
    float64, in hundredths where a bridge ends on a slanted edge.
    """
    if len(rings) == 1:
        return rings[0].astype(np.float64)
    if len(rings) > _MANY_HOLES:
        return join_rings(rings).astype(np.float64)  # one by one would take minutes where there are ten thousands
    joined = np.concatenate([rings[0], rings[0][:1]]).astype(np.float64)
    for hole in sorted(rings[1:], key=lambda ring: int(ring[:, 0].min())):  # then all that a bridge meets is joined
        leave = int(hole[:, 0].argmin())
        x, y = hole[leave].tolist()
        is_below = joined[:, 1] <= y
        across = np.flatnonzero(is_below[1:] != is_below[:-1])
        nearest, reach = -1.0, 1
        for number in across.tolist():
            (x1, y1), (x2, y2) = joined[number : number + 2].tolist()
            if nearest < (met := x1 + (y - y1) * (x2 - x1) / (y2 - y1)) <= x:
                nearest, reach = met, number + 1
        landing = np.array([[round(nearest, 2), y]]) if nearest >= 0 else joined[:1]
        joined = np.concatenate([joined[:reach], landing, hole[leave:], hole[: leave + 1], landing, joined[reach:]])
    return joined[:-1]


def worth_joining(rings: Sequence[np.ndarray], worth: Sequence[int], mask: np.ndarray) -> list[int]:
    """The numbers of the rings that give more pixels than the bridges to them paint beside the mask; 0 among them.

    rings: as for join_rings, in pixels of the mask. worth: pixels that each of them gives. mask: H×W, 0 is outside.
    """
    places, _, ring_of = _places(rings)
    joined: dict[int, list[tuple[int, int]]] = {}
    for start, end in _shortest_bridges(places, ring_of):
        steps = int(np.abs(places[end] - places[start]).max())
        across = np.round(np.linspace(places[start], places[end], steps + 1)).astype(np.int64)
        cost = int(np.count_nonzero(mask[across[:, 1], across[:, 0]] == 0))
        one, other = int(ring_of[start]), int(ring_of[end])
        joined.setdefault(one, []).append((other, cost))
        joined.setdefault(other, []).append((one, cost))
    # From the ends of the tree back to its root: what each ring gives with all that is worth having behind it.
    came_over = {0: (0, 0)}
    walk = [0]
    for ring in walk:
        for other, cost in joined.get(ring, []):
            if other not in came_over:
                came_over[other] = ring, cost
                walk.append(other)
    gain = list(worth)
    for ring in reversed(walk[1:]):
        before, cost = came_over[ring]
        gain[before] += max(0, gain[ring] - cost)
    kept = {0}
    for ring in walk[1:]:
        before, cost = came_over[ring]
        if before in kept and gain[ring] > cost:
            kept.add(ring)
    return sorted(kept)


def _places(rings: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where bridges may end: all corners, and points along long edges. (V×2 int, V bool is a corner, V int ring)."""
    lengths = [len(ring) for ring in rings]
    points, last = np.concatenate(rings).astype(np.int64), np.cumsum(lengths) - 1
    following = np.arange(1, len(points) + 1)
    following[last] = last + 1 - lengths
    along = points[following] - points
    length = np.abs(along).max(axis=1)
    spacing = max(_SPACING, int(length.sum()) // _MAX_PLACES)
    pieces = np.maximum(1, -(-length // spacing))
    edge = np.repeat(np.arange(len(points)), pieces)
    step = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    # Whole steps along the longer axis: on horizontal, vertical and 45° edges the points lie exactly on the edge.
    share = step * spacing / np.maximum(1, length[edge])
    places = points[edge] + np.round(along[edge] * share[:, None]).astype(np.int64)
    return places, step == 0, np.repeat(np.arange(len(rings)), lengths)[edge]


def _shortest_bridges(places: np.ndarray, ring_of: np.ndarray) -> list[tuple[int, int]]:
    """The pairs of places that join all rings with the least length (Kruskal)."""
    starts, ends = _neighbours(places)
    between = ring_of[starts] != ring_of[ends]
    starts, ends = starts[between], ends[between]
    lengths = np.abs(places[starts] - places[ends]).max(axis=1)  # as many pixels as a painted line has
    group = list(range(int(ring_of[-1]) + 1))
    bridges: list[tuple[int, int]] = []
    for number in np.argsort(lengths, kind="stable"):
        start, end = int(starts[number]), int(ends[number])
        one, other = _root(group, int(ring_of[start])), _root(group, int(ring_of[end]))
        if one != other:
            group[other] = one
            bridges.append((start, end))
            if len(bridges) == len(group) - 1:
                break
    return bridges


def _neighbours(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of places among which are all shortest bridges: the edges of the Delaunay triangulation."""
    stride = int(places.max()) + 1
    numbers, first, point_of = np.unique(places @ (stride, 1), return_index=True, return_inverse=True)
    points = places[first]
    # One point far outside: without it places on one line would have no triangles. The circle over a shortest bridge
    # never reaches it, so it takes none away.
    reach = np.ptp(points, axis=0).max() + 1
    outside = points.min(axis=0) - reach * np.array([3, 7])
    mesh = shapely.delaunay_triangles(shapely.linestrings(np.vstack([points, outside])), only_edges=True)
    ends = shapely.get_coordinates(mesh).astype(np.int64).reshape(-1, 2, 2)
    ends = ends[(ends != outside).any(axis=2).all(axis=1)]
    found = first[np.searchsorted(numbers, ends @ (stride, 1))]
    same = first[point_of]  # where rings touch, places of both are one point
    return np.concatenate([found[:, 0], same]), np.concatenate([found[:, 1], np.arange(len(places))])


def _root(group: list[int], ring: int) -> int:
    while group[ring] != ring:
        group[ring] = ring = group[group[ring]]
    return ring


def _walk(corner: np.ndarray, ring_of: np.ndarray, bridges: list[tuple[int, int]]) -> list[int]:
    """The places in walking order: round each ring, over every bridge met, round the ring there, and back."""
    wanted = corner.copy()
    wanted[[place for bridge in bridges for place in bridge]] = True
    landings: dict[int, list[int]] = {}
    for start, end in bridges:
        landings.setdefault(start, []).append(end)
        landings.setdefault(end, []).append(start)
    first = np.searchsorted(ring_of, np.arange(ring_of[-1] + 2))

    def backwards_from(entry: int) -> list[tuple[int, bool]]:
        low, high = first[ring_of[entry]], first[ring_of[entry] + 1]
        turn = np.concatenate([np.arange(entry, high), np.arange(low, entry)])
        return [(place, True) for place in turn[wanted[turn]][::-1].tolist()]

    path: list[int] = []
    walked = {0}
    ahead = backwards_from(0)  # a stack, not recursion: a mask may have thousands of parts one behind the other
    while ahead:
        place, is_first_visit = ahead.pop()
        path.append(place)
        for landing in landings.get(place, []) if is_first_visit else []:
            if (ring := int(ring_of[landing])) not in walked:
                walked.add(ring)
                ahead += [(place, False), (landing, False), *backwards_from(landing)]
    return path
