"""Which pictures are for training, which for validation, which for the test.

A picture keeps what it was given: who adds pictures to a data set and exports again must not find yesterday's test
pictures among today's training pictures, or the measured quality means nothing. So what is known stays, and only new
pictures are given out, each to the split that is furthest behind its share.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from exporters.errors import ExportError
from storage.records import Split


@dataclass(frozen=True, kw_only=True)
class SplitOptions:
    """How a data set is split.

    train, val, test: shares, each 0 or more, not all 0; 8, 1, 1 is the same as 0.8, 0.1, 0.1. seed: another one gives
    another, equally good split. stratify: keep the shares within each category too. Raises ExportError for shares that
    are none.
    """

    train: float = 0.8
    val: float = 0.1
    test: float = 0.1
    seed: int = 0
    stratify: bool = False

    def __post_init__(self) -> None:
        given = (self.train, self.val, self.test)
        if not all(math.isfinite(share) and share >= 0 for share in given) or not 0 < sum(given) < math.inf:
            shares = ", ".join(f"{share:g}" for share in given)
            raise ExportError(
                f"The shares of train, val and test are {shares}. Give three numbers, each 0 or more and not all 0, "
                "such as 0.8, 0.1, 0.1."
            )

    @property
    def shares(self) -> dict[Split, float]:
        """What each split gets, 0..1, together 1."""
        whole = self.train + self.val + self.test
        return {Split.TRAIN: self.train / whole, Split.VAL: self.val / whole, Split.TEST: self.test / whole}

    @property
    def scheme(self) -> str:
        """The name under which what was given out is remembered: the same for options that mean the same."""
        shares = "/".join(f"{share:.6f}" for share in self.shares.values())
        return f"{shares} seed {self.seed}{' stratified' if self.stratify else ''}"


def assign(
    options: SplitOptions,
    sha256_of: Mapping[int, str],
    *,
    known: Mapping[int, Split] | None = None,
    stratum_of: Mapping[int, int] | None = None,
) -> dict[int, Split]:
    """The split of every picture.

    sha256_of: picture's id -> hash of its file. The order in which new pictures are given out depends on it and on the
    seed alone, not on ids or names: the same pictures in another workspace are split the same. known: what was given
    out before and stays. stratum_of: picture's id -> its stratum (see `rarest_categories`); those without one are a
    stratum too. Each new picture goes to the split that is furthest behind its share, in its stratum and in all
    together; no split gets more than its share of all rounded to whole pictures.
    """
    kept = {image_id: split for image_id, split in (known or {}).items() if image_id in sha256_of}
    strata: Mapping[int, int] = (stratum_of or {}) if options.stratify else {}
    result = dict(kept)
    room = Counter(_whole_pictures(options.shares, len(sha256_of)))
    room.subtract(kept.values())
    everywhere = Counter(kept.values())
    within: dict[int | None, Counter[Split]] = {}
    for image_id, split in kept.items():
        within.setdefault(strata.get(image_id), Counter())[split] += 1
    for image_id in sorted(sha256_of.keys() - kept.keys(), key=lambda one: (_draw(options.seed, sha256_of[one]), one)):
        here = within.setdefault(strata.get(image_id), Counter())
        behind = {
            split: _behind(share, here[split], here.total()) + _behind(share, everywhere[split], everywhere.total())
            for split, share in options.shares.items()
            if room[split] > 0
        }
        split = max(behind, key=lambda one: round(behind[one], 9))  # rounded, so that all machines find the same ties
        result[image_id] = split
        for counter, step in ((here, 1), (everywhere, 1), (room, -1)):
            counter[split] += step
    return result


def rarest_categories(categories_of: Mapping[int, Collection[int]]) -> dict[int, int]:
    """Picture's id -> the one of its categories that is on the fewest pictures; pictures without any are not in it."""
    pictures = Counter(category for categories in categories_of.values() for category in set(categories))
    return {
        image_id: min(categories, key=lambda category: (pictures[category], category))
        for image_id, categories in categories_of.items()
        if categories
    }


def _behind(share: float, count: int, total: int) -> float:
    """By how many pictures a split would be short once one more is there."""
    return share * (total + 1) - count


def _whole_pictures(shares: Mapping[Split, float], total: int) -> dict[Split, int]:
    """The shares of `total` pictures in whole ones that add up, by largest remainder."""
    whole = {split: math.floor(round(share * total, 9)) for split, share in shares.items()}
    left = total - sum(whole.values())
    for split in _by_remainder(shares, whole, total)[:left]:
        whole[split] += 1
    return whole


def _by_remainder(shares: Mapping[Split, float], whole: Mapping[Split, int], total: int) -> list[Split]:
    return sorted(shares, key=lambda split: round(whole[split] - shares[split] * total, 9))


def _draw(seed: int, sha256: str) -> str:
    return hashlib.sha256(f"{seed} {sha256}".encode()).hexdigest()


def split_counts(splits: Iterable[Split]) -> dict[Split, int]:
    """How many pictures each split has, none left out."""
    found = Counter(splits)
    return {split: found[split] for split in Split}
