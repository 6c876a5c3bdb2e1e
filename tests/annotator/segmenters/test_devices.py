"""Choosing a device, and one that runs full."""

import threading

import pytest
import torch
from torch import nn

from annotator.errors import SettingsError
from annotator.segmenters.devices import DeviceModel, is_out_of_memory, pick_device


def test_auto_takes_a_gpu_where_there_is_one():
    expected = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    assert pick_device("auto").type == expected


def test_cpu_is_cpu():
    assert str(pick_device("cpu")) == "cpu"


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "xpu", "meta"])
def test_a_word_for_no_device_is_refused_with_the_ones_there_are(name):
    with pytest.raises(SettingsError, match=r"Use auto, cpu, cuda, cuda:N or mps\."):
        pick_device(name)


def test_a_gpu_that_this_machine_has_not_is_refused():
    with pytest.raises(SettingsError, match=r"--device cuda:99: torch sees .*CUDA GPU"):
        pick_device("cuda:99")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has an Apple GPU")
def test_an_apple_gpu_that_this_machine_has_not_is_refused():
    with pytest.raises(SettingsError, match="no Apple GPU"):
        pick_device("mps")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8.00 GB, max allowed: 9.07 GB)."),
    ],
)
def test_every_way_of_saying_out_of_memory_is_understood(error):
    assert is_out_of_memory(error)


def test_another_failure_is_no_lack_of_memory():
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def a_full_device(model, device):
    raise torch.OutOfMemoryError("CUDA out of memory.")


def test_a_cpu_out_of_memory_is_not_tried_again():
    tries: list[str] = []

    def work(model, device):
        tries.append(str(device))
        a_full_device(model, device)

    model = DeviceModel(nn.Identity(), torch.device("cpu"), title="a model")
    with pytest.raises(torch.OutOfMemoryError):
        model.run("embed", work)
    assert tries == ["cpu"]


def test_another_failure_on_a_gpu_neither_moves_the_model_nor_is_hidden():
    model = DeviceModel(nn.Identity(), torch.device("meta"), title="a model")

    def a_bug(module, device):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        model.run("predict", a_bug)
    assert model.device == "meta"


def test_a_failed_call_leaves_the_model_free_for_the_next():
    model = DeviceModel(nn.Identity(), torch.device("cpu"), title="a model")
    for lane in ("embed", "predict"):
        with pytest.raises(torch.OutOfMemoryError):
            model.run(lane, a_full_device)
        assert model.run(lane, lambda module, device: str(device)) == "cpu"


class Small(nn.Module):
    """Stands for a network; its `to` is told where to."""

    def __init__(self) -> None:
        super().__init__()
        self.moved: list[str] = []

    def to(self, device: torch.device) -> "Small":  # type: ignore[override]
        self.moved.append(str(device))
        return self


def pieces_tried(*, fits: int, count: int = 10, chunk: int = 8) -> tuple[list[tuple[str, int]], list[int], list[str]]:
    """Run `count` items, of which `fits` at a time have room: (device, length) of every try, results, words."""
    said: list[str] = []
    model = DeviceModel(Small(), torch.device("meta"), title="a model", notify=said.append)
    tries: list[tuple[str, int]] = []

    def work(module, device, some):
        tries.append((device.type, len(some)))
        if device.type == "meta" and len(some) > fits:
            a_full_device(module, device)
        return list(some)

    given = model.run_many("predict", range(count), work, chunk={"meta": chunk, "cpu": 4})
    return tries, [item for some in given for item in some], said


def test_a_full_gpu_is_given_half_as_many_at_a_time_and_keeps_to_that():
    tries, results, said = pieces_tried(fits=3)
    assert tries == [("meta", 8), ("meta", 4), *[("meta", 2)] * 5]
    assert results == list(range(10))
    assert said == []  # nothing that a user needs to know


def test_a_gpu_without_room_for_a_single_one_is_left_for_the_cpu_with_a_word():
    tries, results, said = pieces_tried(fits=0)
    assert tries == [("meta", 8), ("meta", 4), ("meta", 2), ("meta", 1), ("cpu", 4), ("cpu", 4), ("cpu", 2)]
    assert results == list(range(10))
    assert len(said) == 1
    assert "out of memory" in said[0]


def test_a_single_call_goes_before_the_next_piece_of_a_long_one():
    model = DeviceModel(nn.Identity(), torch.device("cpu"), title="a model")
    order: list[str] = []
    inside, asked = threading.Event(), threading.Event()

    def long(module, device, some):
        order.append(f"piece {some[0]}")
        inside.set()
        asked.wait(10)
        return None

    def click() -> None:
        inside.wait(10)
        threading.Timer(0.1, asked.set).start()  # by then the click waits for its turn
        model.run("predict", lambda module, device: order.append("click"))

    clicking = threading.Thread(target=click)
    clicking.start()
    list(model.run_many("predict", range(3), long, chunk={"cpu": 1}))
    clicking.join(10)
    assert order == ["piece 0", "click", "piece 1", "piece 2"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
def test_a_real_gpu_that_runs_full_is_left_for_the_cpu():
    said: list[str] = []
    model = DeviceModel(nn.Linear(4, 4), pick_device("cuda"), title="a model", notify=said.append)

    def work(module: nn.Module, device: torch.device) -> str:
        if device.type == "cuda":
            torch.empty(2**50, device=device)
        return str(module(torch.ones(1, 4, device=device)).device)

    assert model.run("embed", work) == "cpu"
    assert model.device == "cpu"
    assert len(said) == 1
