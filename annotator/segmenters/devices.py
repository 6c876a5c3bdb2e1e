"""Where a model runs: choosing the device, and going on on the CPU when a GPU is out of memory."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from typing import Generic, Literal, TypeVar

import torch
from torch import nn

from annotator.errors import SettingsError
from annotator.segmenters.base import Notify
from annotator.turns import Turns

Lane = Literal["embed", "predict"]
Model = TypeVar("Model", bound=nn.Module)
T = TypeVar("T")
Item = TypeVar("Item")

CPU = torch.device("cpu")


def pick_device(name: str) -> torch.device:
    """The device that "auto", "cpu", "cuda", "cuda:N" or "mps" means on this machine; auto takes CUDA, MPS, CPU.

    Raises SettingsError for another word, and for a device that this machine has not.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise SettingsError(f"No device is called {name!r}. Use auto, cpu, cuda, cuda:N or mps.") from error
    match device.type:
        case "cpu":
            return CPU
        case "cuda":
            number, found = device.index or 0, torch.cuda.device_count() if torch.cuda.is_available() else 0
            if number >= found:
                raise SettingsError(f"--device {name}: torch sees {_gpus(found)} on this machine. Use auto or cpu.")
            return torch.device("cuda", number)
        case "mps":
            if not torch.backends.mps.is_available():
                raise SettingsError("--device mps: this machine has no Apple GPU that torch can use. Use auto or cpu.")
            return device
    raise SettingsError(f"No segmenter runs on {name!r}. Use auto, cpu, cuda, cuda:N or mps.")


def _gpus(count: int) -> str:
    return {0: "no CUDA GPU", 1: "one CUDA GPU, cuda:0"}.get(count, f"{count} CUDA GPUs, cuda:0 to cuda:{count - 1}")


@cache
def multiplies_bfloat16() -> bool:
    """Whether this machine's CPU has instructions for it: elsewhere it would be slower than single precision."""
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # newer than the oldest torch
    return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether a device had no memory left: CUDA and cuDNN, cuBLAS and MPS each say it in their own way."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "alloc_failed" in text


class DeviceModel(Generic[Model]):
    """A model on one device. Any thread may run it; when the GPU is out of memory it moves to the CPU, and says so.

    There are two lanes, each one call at a time: encoding an image takes seconds on a CPU, and a click must not
    wait for the picture after this one. A model that works in both shares no changing state between them. In a lane,
    a call for one item goes before the next chunk of a call for many: a click waits for one chunk at most.

    On a CPU as many clicks as there are cores are answered at once, each by one core, and one that is alone by all: a
    network is too small to keep two cores busy, which answer twice as many clicks side by side as hand in hand.
    """

    def __init__(self, model: Model, device: torch.device, *, title: str, notify: Notify | None = None) -> None:
        """Moves the model to the device (to the CPU where it does not fit) and sets it to evaluation."""
        self._model = model.eval().requires_grad_(False)
        self._device = device
        self._title = title
        self._notify = notify
        self._most = 0  # items at a time that the device had memory for, 0 while it was never full
        self._threads = torch.get_num_threads()
        self._lanes: dict[Lane, Turns] = {"embed": Turns(), "predict": Turns(places=self._places())}
        try:
            self._model.to(device)
        except RuntimeError as error:
            if device == CPU or not is_out_of_memory(error):
                raise
            full = True
        else:
            full = False
        if full:  # outside of `except`, whose traceback would keep tensors alive
            self._leave(device)

    @property
    def device(self) -> str:
        """ "cpu", "cuda:0" or "mps"."""
        return str(self._device)

    def run(self, lane: Lane, work: Callable[[Model, torch.device], T]) -> T:
        """work(model, device) in torch's inference mode; once more on the CPU where the GPU is out of memory."""
        (result,) = self.run_many(lane, [None], lambda model, device, _: work(model, device), chunk={})
        return result

    def run_many(
        self,
        lane: Lane,
        items: Sequence[Item],
        work: Callable[[Model, torch.device, Sequence[Item]], T],
        *,
        chunk: Mapping[str, int],
    ) -> Iterator[T]:
        """work(model, device, some) for all items in order, chunk[type of device] of them at a time.

        Where the GPU is out of memory, half as many at a time; where one alone is too many, on the CPU from there on.
        """
        start = 0
        while start < len(items):
            turns = self._lanes[lane]
            with turns.take(urgent=len(items) == 1), torch.inference_mode():
                device = self._device
                if device == CPU:  # counts for this thread, and for those that never said it themselves
                    torch.set_num_threads(self._threads if turns.is_for_one else max(1, self._threads // turns.places))
                length = chunk.get(device.type, 1)
                some = items[start : start + (min(length, self._most) if self._most else length)]
                full = False
                try:
                    result = work(self._model, device, some)
                except RuntimeError as error:
                    if device == CPU or not is_out_of_memory(error):
                        raise
                    full = True
            if not full:
                start += len(some)
                yield result
            elif len(some) > 1:  # outside of `except`, whose traceback would keep tensors alive
                self._most = len(some) // 2
                _empty_cache(device)
            else:
                self._leave(device)

    def _places(self) -> int:
        return self._threads if self._device == CPU else 1

    def _leave(self, device: torch.device) -> None:
        """Move to the CPU for good, unless the other lane did so meanwhile."""
        with ExitStack() as lanes:
            for lane in ("embed", "predict"):
                lanes.enter_context(self._lanes[lane].take())
            if self._device != device:
                return
            self._model.to(CPU)
            self._device, self._most = CPU, 0
            self._lanes["predict"].places = self._places()
            _empty_cache(device)
        if self._notify is not None:
            self._notify(f"{self._title}: {device} is out of memory. Going on on the CPU, more slowly.")


def _empty_cache(device: torch.device) -> None:
    """Give back what torch holds of a GPU's memory for its next use."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
