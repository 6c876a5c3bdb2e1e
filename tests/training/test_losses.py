"""Each part of the loss falls when what it is for gets better."""

import torch

from training.losses import dice, disobedience, focal, iou, losses, ranking

SIDE = 16
VALID = torch.ones(1, SIDE, SIDE, dtype=torch.bool)


def square(start: int, stop: int) -> torch.Tensor:
    target = torch.zeros(1, SIDE, SIDE)
    target[:, start:stop, start:stop] = 1
    return target


def answer(*targets: torch.Tensor, height: float = 5) -> torch.Tensor:
    """Sure logits of three masks."""
    return torch.stack([height * (2 * target - 1) for target in targets], 1)


def test_a_right_mask_costs_nothing_and_a_wrong_one_much():
    truth = square(4, 12)
    logits = answer(truth, square(4, 10), square(0, 2), height=20)
    for loss in (focal(logits, truth, VALID)[0], dice(logits, truth, VALID)[0]):
        assert loss[0] < 1e-3 < loss[1]
        assert loss[2] > loss[1] * 0.99
    assert iou(logits, truth, VALID)[0].tolist() == [1, 36 / 64, 0]


def test_what_is_ignored_counts_for_nothing():
    truth, valid = square(4, 12), VALID.clone()
    valid[:, :, 8:] = False
    half = truth.clone()
    half[:, :, 8:] = 1 - half[:, :, 8:]
    logits = answer(half, truth, truth, height=20)
    assert iou(logits, truth, valid)[0, 0] == 1
    assert dice(logits, truth, valid)[0, 0] < 1e-3
    assert focal(logits, truth, valid)[0, 0] < 1e-3


def test_the_best_of_three_counts_most():
    truth, clicks = square(4, 12), torch.tensor([[[8, 8, 1]]])
    predicted = torch.tensor([[0.9, 0.2, 0.2]])
    one_right = losses(answer(truth, square(0, 3), square(0, 3)), predicted, truth, VALID, clicks)
    none_right = losses(answer(*[square(0, 3)] * 3), predicted, truth, VALID, clicks)
    assert one_right.parts["mask"] < 0.05 < none_right.parts["mask"]
    assert one_right.iou[0, 0] == 1
    assert one_right.total < none_right.total


def test_a_prediction_that_ranks_rightly_costs_less():
    true = torch.tensor([[0.9, 0.5, 0.1]])
    assert ranking(true, true) == 0 < ranking(true.flip(1), true)


def test_a_click_is_obeyed_or_costs_by_how_much_it_is_not():
    logits = answer(square(4, 12), square(4, 12), square(4, 12))
    obeyed, not_obeyed = torch.tensor([[[8, 8, 1], [0, 0, 0]]]), torch.tensor([[[8, 8, 0], [0, 0, 0]]])
    assert disobedience(logits, obeyed) == 0
    assert disobedience(logits, not_obeyed) == (5 + 1) / 2
    assert disobedience(logits, torch.tensor([[[8, 8, -1]]])) == 0
