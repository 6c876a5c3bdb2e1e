"""Clicks lie in the error they are to correct, and are drawn as inference draws them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from annotator.prediction import Frame, Prompt
from annotator.segmenters.builtin.drawing import prompt_maps
from training.prompts import Prompts, next_click, spoilt

CPU = torch.device("cpu")


def blobs(seed: int, count: int = 3, side: int = 64) -> np.ndarray:
    """count×side×side bool: a box each."""
    random = np.random.default_rng(seed)
    masks = np.zeros((count, side, side), bool)
    for mask in masks:
        top, left = random.integers(0, side // 2, 2)
        height, width = random.integers(3, side // 2, 2)
        mask[top : top + height, left : left + width] = True
    return masks


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), lowest=st.floats(0.1, 1), lot=st.floats(0, 1))
def test_a_click_lies_inside_the_error_and_says_its_kind(seed, lowest, lot):
    target, mask = blobs(seed, 2)
    valid = np.ones_like(target)
    row, column, label = next_click(target, mask, valid, lowest, lot)
    if (target == mask).all():
        assert label == -1
    else:
        assert target[row, column] != mask[row, column]
        assert label == target[row, column]


def test_what_is_ignored_is_never_clicked():
    target, mask = blobs(1, 2)
    assert next_click(target, mask, np.zeros_like(target), 1, 0)[2] == -1


def test_an_exact_click_is_in_the_middle_of_the_largest_error():
    target = np.zeros((64, 64), bool)
    target[10:31, 10:31], target[50:55, 50:55] = True, True
    assert next_click(target, np.zeros_like(target), np.ones_like(target), 1, 0) == (20, 20, 1)


def test_first_clicks_are_inside_their_objects_and_later_ones_correct():
    targets = blobs(3)
    prompts = Prompts(targets, np.ones_like(targets), random=np.random.default_rng(0), device=CPU, exact=True)
    prompts.begin()
    prompts.correct(torch.full(targets.shape, 9.0))  # everything was covered
    first, second = prompts.clicks.unbind(1)
    for target, (row, column, label), (row2, column2, label2) in zip(targets, first, second, strict=True):
        assert target[row, column] and label == 1
        assert not target[row2, column2] and label2 == 0
    assert (prompts.maps[:, 3] > 0.99).all()


def test_clicks_are_drawn_as_inference_draws_them():
    targets = blobs(4, count=1, side=256)
    prompts = Prompts(targets, np.ones_like(targets), random=np.random.default_rng(0), device=CPU, exact=True)
    prompts.begin()
    logits = torch.linspace(-8, 8, 256 * 256).reshape(1, 256, 256)
    prompts.correct(logits)
    clicks = prompts.clicks[0].numpy()
    # a low-res pixel's centre, in a picture of which each pixel is one of the network's input: 512×512
    xy = clicks[:, 1::-1] * 2 + 0.5
    drawn = prompt_maps(Prompt(xy, clicks[:, 2], mask_input=logits[0].numpy()), Frame.fit((512, 512), side=512))
    assert np.abs(prompts.maps[0].numpy() - drawn).max() < 1e-4


def test_some_first_prompts_are_boxes_around_their_objects():
    targets = blobs(5, count=400)
    prompts = Prompts(targets, np.ones_like(targets), random=np.random.default_rng(0), device=CPU)
    prompts.begin()
    first = prompts.first
    boxed = prompts.maps[:, 2].flatten(1).any(1).numpy()
    clicked = (prompts.clicks[:, -1, 2] == 1).numpy()
    assert 20 < (boxed & first).sum() < 80
    assert (boxed | clicked)[first].all()
    assert (boxed & clicked & first).any()
    for target, box in zip(targets[boxed], prompts.maps[boxed, 2].numpy(), strict=True):
        held = np.kron(box, np.ones((2, 2))) > 0
        assert (held & target).sum() > 0.6 * target.sum()


def test_about_a_third_begin_in_the_middle_with_a_mask_that_is_wrong_where_the_click_is():
    targets = blobs(7, count=200)
    prompts = Prompts(targets, np.ones_like(targets), random=np.random.default_rng(0), device=CPU)
    prompts.begin()
    fed = prompts.maps[:, 3].flatten(1).any(1).numpy()
    assert (fed == ~prompts.first).all()
    assert 45 < fed.sum() < 95
    assert ((prompts.clicks[:, :-1, 2] >= 0).any(1).numpy() <= fed).all()
    for target, clicks in zip(targets[fed], prompts.clicks[torch.from_numpy(fed)].numpy(), strict=True):
        for row, column, label in clicks[clicks[:, 2] >= 0]:
            assert target[row, column] == label


def test_some_begin_with_the_mask_of_a_rival_and_a_click_that_speaks_against_it():
    targets = np.zeros((200, 64, 64), bool)
    targets[:, 8:32, 20:44] = True
    rivals = targets.copy()
    rivals[:, 32:60, 12:52] = True
    prompts = Prompts(targets, np.ones_like(targets), random=np.random.default_rng(0), device=CPU, rival=rivals)
    prompts.begin()
    shown = prompts.maps[:, 3].numpy().repeat(2, 1).repeat(2, 2)[:, 36:56, 16:48].mean((1, 2)) > 0.9
    assert 10 < shown.sum() < 0.5 * (~prompts.first).sum()
    added = rivals & ~targets
    found = [added[0, row, column] and label == 0 for row, column, label in prompts.clicks[shown, -1].tolist()]
    assert np.mean(found) > 0.9


def test_who_begins_anew_keeps_nothing_of_what_was():
    targets = blobs(8, count=6)
    prompts = Prompts(targets, np.ones_like(targets), random=np.random.default_rng(0), device=CPU)
    prompts.begin()
    anew = np.array([True, False] * 3)
    prompts.correct(torch.full(targets.shape, 9.0), anew)
    assert (prompts.first == anew).all()
    assert not prompts.maps[anew, 3].any()
    assert (prompts.maps[~anew, 3] > 0.99).all()
    assert (prompts.clicks[torch.from_numpy(anew), :-1, 2] == -1).all()


@settings(max_examples=40)
@given(seed=st.integers(0, 2**32 - 1))
def test_a_spoilt_mask_still_has_to_do_with_its_target(seed):
    (target,) = blobs(seed, count=1)
    logits = spoilt(target, np.random.default_rng(seed))
    assert logits.shape == target.shape and np.isfinite(logits).all()
    assert logits[target].mean() > logits[~target].mean()


def test_a_mask_that_went_astray_is_mostly_wrong():
    ious = []
    for seed in range(40):
        (target,) = blobs(seed, count=1)
        mask = spoilt(target, np.random.default_rng(seed), astray=True) > 0
        ious.append((mask & target).sum() / (mask | target).sum())
    assert np.median(ious) < 0.5


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_random_numbers_give_the_same_clicks(seed):
    targets = blobs(6, count=8)
    made = []
    for _ in range(2):
        prompts = Prompts(targets, np.ones_like(targets), random=np.random.default_rng(seed), device=CPU)
        prompts.begin()
        made.append(prompts.maps)
    assert made[0].equal(made[1])
