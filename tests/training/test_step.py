"""One step, again and again on the same crops: what is asked for is learnt."""

import numpy as np
import torch

from annotator.segmenters.builtin.architecture import Architecture
from tests.training.made import labelled_picture
from training.batches import Batches
from training.data import Picture
from training.model import trainable
from training.step import learn, normalised


def test_steps_on_the_same_crops_make_their_loss_fall():
    torch.manual_seed(0)
    network = trainable(Architecture(features=(16, 16, 16, 16), decoder=(16, 16, 16, 16))).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=4e-3)
    image, labels = labelled_picture(1)
    picture = Picture(set_name="made", name="1", image=image, labels=labels, weight=1, regions=False)
    batch = Batches([picture], side=lambda _number: 64, batch=2, objects=3, seed=0)[0]
    parts = []
    for _ in range(30):
        random = np.random.default_rng(4)
        parts.append(
            learn(network, batch, [True, False, True], random=random, device=torch.device("cpu"), half=False).parts
        )
        optimizer.step()
        optimizer.zero_grad()
    assert all(np.isfinite(list(part.values())).all() for part in parts)
    assert parts[-1]["mask"] < 0.85 * parts[0]["mask"]
    assert parts[-1]["iou_first"] > 0.3 > parts[0]["iou_first"]


def test_what_lies_outside_a_picture_is_zero_and_colours_are_normalised():
    image = torch.full((1, 2, 2, 3), 124, dtype=torch.uint8)
    inside = torch.tensor([[[True, False], [True, True]]])
    found = normalised(image, inside)
    assert found.shape == (1, 3, 2, 2)
    assert not found[0, :, 0, 1].any()
    assert abs(float(found[0, 0, 0, 0]) - (124 / 255 - 0.485) / 0.229) < 1e-5
