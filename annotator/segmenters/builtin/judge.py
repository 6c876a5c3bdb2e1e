"""How good each candidate is thought to be, from what the decoder knows of it and where it was clicked."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from annotator.segmenters.builtin.depth import CENTREDNESS, centredness

WIDTH = 128  # channels in which the predicted IoU is thought over
CENTRE_WIDTH = 64
OUTSIDE = -30.0  # the logits of what lies outside the picture


class MaskJudge(nn.Module):
    """What the decoder knows on the mean, inside each candidate and where that is undecided, and how near its middle
    the clicks are -> a logit of its IoU.

    Masks are judged here, not changed: no gradient goes to them.
    """

    def __init__(self, candidates: int, overview: int, width: int) -> None:
        super().__init__()
        self.common = nn.Linear(overview, WIDTH)
        self.own = nn.Linear(2 * width + 2, WIDTH)
        self.centre = nn.Sequential(nn.Linear(2 * CENTREDNESS, CENTRE_WIDTH), nn.ReLU(), nn.Linear(CENTRE_WIDTH, WIDTH))
        self.others = nn.Linear(WIDTH, WIDTH)
        self.rest = nn.Sequential(nn.ReLU(), nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1))
        self.candidate = nn.Parameter(torch.randn(candidates, WIDTH))

    def forward(self, overview: Tensor, features: Tensor, logits: Tensor, clicks: Tensor, inside: Tensor) -> Tensor:
        """B×C, and as look() takes them -> B×K."""
        return self.judge(overview, self.look(features, logits, clicks, inside))

    def look(self, features: Tensor, logits: Tensor, clicks: Tensor, inside: Tensor) -> Tensor:
        """What there is to see of each candidate, B×K×(2·width + 2 + CENTREDNESS).

        features: B×width×H×W. logits: B×K×4H×4W. clicks: B×1×2H×2W map of foreground clicks. inside: the same of where
        the picture is, of each or of all (B or 1).
        """
        logits = logits.detach().masked_fill(F.interpolate(inside, scale_factor=2.0) < 0.5, OUTSIDE)
        share = F.avg_pool2d(logits, logits.shape[-1] // features.shape[-1]).sigmoid().flatten(2)
        undecided = 4 * share * (1 - share)
        places = features.flatten(2).mT  # B×HW×width
        means = [(weight @ places) / (weight.sum(2, keepdim=True) + 1) for weight in (share, undecided)]
        area, doubt = share.mean(2, keepdim=True), undecided.mean(2, keepdim=True)
        centred = centredness(F.avg_pool2d(logits, 2) > 0, clicks)
        return torch.cat([*means, area.sqrt(), doubt / (area + doubt + 1e-3), centred], 2)

    def judge(self, overview: Tensor, each: Tensor) -> Tensor:
        """B×C, and what look() gave -> B×K logits."""
        each, centred = each.split((each.shape[2] - CENTREDNESS, CENTREDNESS), 2)
        # what sets the candidates apart is small beside what they share, but it is what ranks them
        apart = F.layer_norm(each - each.mean(1, keepdim=True), each.shape[2:], eps=1e-6)
        centre = self.centre(torch.cat([centred, centred - centred.mean(1, keepdim=True)], 2))
        seen = self.own(each + apart) + self.common(overview)[:, None] + self.candidate + centre
        seen = seen + self.others(F.relu(seen).mean(1, keepdim=True))
        return self.rest(seen)[:, :, 0]
