"""The U-Net of the examples, shortened: it is built as it says, it learns, and its IoU is the IoU."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from examples.train_unet import IGNORED, Pair, Squares, UNet, loss_of, main, measure
from exporters.base import SplitOptions
from tests.examples.exported import export_shapes

HALVES = SplitOptions(train=0.5, val=0.5, test=0)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_it_learns_from_a_semantic_export_and_says_the_iou_of_each_class(tmp_path, capsys):
    out = export_shapes("semantic", tmp_path, 16, HALVES)
    small = [
        str(out),
        "--size",
        "40",
        "--width",
        "4",
        "--depth",
        "2",
        "--rate",
        "0.02",
        "--out",
        str(tmp_path / "w.pt"),
    ]
    begun = main([*small, "--epochs", "1"])
    learned = main([*small, "--epochs", "10"])
    assert learned > begun + 0.05
    said = capsys.readouterr().out
    assert "8 pictures to learn from, 8 to measure on" in said
    for name in ("background", "disc", "square", "triangle", "ring"):
        assert f"\n  {name} " in said
    kept = torch.load(tmp_path / "w.pt", weights_only=True)
    assert kept["classes"] == ["background", "disc", "square", "triangle", "ring"]
    UNet(5, width=4, depth=2).load_state_dict(kept["weights"])


def test_the_same_seed_gives_the_same_result(tmp_path):
    out = export_shapes("semantic", tmp_path, 6, HALVES)
    small = [str(out), "--size", "16", "--width", "2", "--depth", "1", "--epochs", "2", "--out", str(tmp_path / "w.pt")]
    assert main(small) == main(small)


def test_each_output_pixel_hears_of_its_own_place_and_of_far_ones():
    torch.manual_seed(0)
    model = UNet(3, width=4, depth=3).eval()
    picture = torch.rand(1, 3, 32, 32, requires_grad=True)
    logits = model(picture)
    assert logits.shape == (1, 3, 32, 32)
    (gradient,) = torch.autograd.grad(logits[0, :, 16, 16].sum(), picture)
    reach = gradient[0].abs().sum(dim=0)
    assert reach[16, 16] > 0
    assert reach[2, 2] > 0  # through the contracting path: without it a pixel would see a few around itself


def test_the_iou_of_a_class_is_counted_over_all_pictures_at_their_own_size(tmp_path):
    class Left(torch.nn.Module):
        """Takes the left half of its square for class 1."""

        def __init__(self):
            super().__init__()
            self.any = torch.nn.Parameter(torch.zeros(()))

        def forward(self, pixels):
            logits = torch.zeros(1, 3, *pixels.shape[2:])
            logits[:, 1, :, : pixels.shape[3] // 2] = 9
            return logits

    pairs = []
    for number, columns in enumerate((20, 10)):
        truth = np.zeros((20, 40), np.uint8)
        truth[:, :columns] = 1
        Image.new("RGB", (40, 20)).save(tmp_path / f"{number}.png")
        Image.fromarray(truth).save(tmp_path / f"{number}-map.png")
        pairs.append(Pair(tmp_path / f"{number}.png", tmp_path / f"{number}-map.png"))
    found = measure(Left(), pairs, size=80, classes=3)
    assert found[:2] == pytest.approx([(20 + 20) / (20 + 30), 30 / 40], abs=0.02)
    assert np.isnan(found[2])


def test_what_lies_outside_the_picture_teaches_nothing(tmp_path):
    Image.new("RGB", (40, 20), "white").save(tmp_path / "a.png")
    Image.fromarray(np.full((20, 40), 2, np.uint8)).save(tmp_path / "a-map.png")
    pixels, labels = Squares([Pair(tmp_path / "a.png", tmp_path / "a-map.png")], 16, vary=False)[0]
    assert pixels.shape == (3, 16, 16)
    assert labels[:8].unique().tolist() == [2]
    assert labels[8:].unique().tolist() == [IGNORED]
    logits = torch.zeros(1, 3, 16, 16, requires_grad=True)
    (gradient,) = torch.autograd.grad(loss_of(logits, labels[None]), logits)
    assert not gradient[0, :, 8:].any()
    assert gradient[0, :, :8].any()


@pytest.mark.parametrize("harm", ["no split", "no categories", "no map"])
def test_what_is_no_export_is_answered_with_the_next_step(harm, tmp_path, capsys):
    out = export_shapes("semantic", tmp_path, 4, None if harm == "no split" else HALVES)
    if harm == "no categories":
        (out / "categories.json").unlink()
    elif harm == "no map":
        next((out / "masks/val").iterdir()).unlink()
    with pytest.raises(SystemExit) as stopped:
        main([str(out), "--epochs", "1"])
    said = capsys.readouterr()
    assert stopped.value.code == 1
    assert len(said.err.splitlines()) == 1
    assert "xport" in said.err and "Traceback" not in said.err


def test_more_classes_than_it_knows_are_refused(tmp_path, capsys):
    out = export_shapes("semantic", tmp_path, 4, HALVES)
    listed = {"categories": [{"name": str(number)} for number in range(256)]}
    (out / "categories.json").write_text(json.dumps(listed))
    with pytest.raises(SystemExit):
        main([str(out)])
    assert "256 classes" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--size", "30"], ["--epochs", "0"], ["--rate", "0"]])
def test_options_that_cannot_be_are_refused(wrong, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path), *wrong])
    assert "--" in capsys.readouterr().err.splitlines()[-1]
