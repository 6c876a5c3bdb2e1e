"""Processes that learn as one: each its own pictures, all the same weights after every step.

Two processes of one thread each learn faster than one of two threads, and far faster where they share their cores with
other programs: they meet once a step, threads of one process many times a layer.
"""

import multiprocessing
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn


class Team:
    """One of `count` processes. A team of one needs nothing from anybody."""

    def __init__(self, rank: int = 0, count: int = 1) -> None:
        self.rank, self.count = rank, count

    @property
    def is_first(self) -> bool:
        """Whether this one keeps the run's folder."""
        return self.rank == 0

    def agree(self, network: nn.Module, flags: tuple[bool, bool]) -> tuple[bool, bool]:
        """Gradients and statistics become the mean of all; a flag is up where any process raised it."""
        if self.count == 1:
            return flags
        shared = [weight.grad for weight in network.parameters() if weight.grad is not None]
        shared += [buffer for buffer in network.buffers() if buffer.is_floating_point()]
        raised = torch.tensor(flags, dtype=torch.float32, device=shared[0].device)
        flat = torch.cat([raised, *(one.detach().flatten() for one in shared)])
        dist.all_reduce(flat)
        told, over = (bool(value) for value in flat[:2] > 0)
        self._lay_out(flat[2:] / self.count, shared)
        return told, over

    @staticmethod
    def _lay_out(flat: Tensor, places: list[Tensor]) -> None:
        for place, part in zip(places, flat.split([place.numel() for place in places]), strict=True):
            place.detach().copy_(part.view_as(place))


def run_team(count: int, work: Callable[[Team], None]) -> None:
    """Do `work` in `count` processes, this one the first. Raises SystemExit where another one failed.

    The others are forked, so that they share the pictures in memory: nothing may have computed with torch before.
    """
    if count == 1:
        work(Team())
        return
    if "fork" not in multiprocessing.get_all_start_methods():
        raise SystemExit("This system cannot fork processes; train with --processes 1.")
    with tempfile.TemporaryDirectory() as folder:
        meeting = f"file://{Path(folder) / 'meeting'}"

        def member(rank: int) -> None:
            dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=count)
            try:
                work(Team(rank, count))
            finally:
                dist.destroy_process_group()

        others = [multiprocessing.get_context("fork").Process(target=member, args=(rank,)) for rank in range(1, count)]
        for other in others:
            other.start()
        try:
            member(0)
        finally:
            for other in others:
                other.join(timeout=60)
                other.kill()
        if any(other.exitcode for other in others):
            raise SystemExit("A process of the team ended with an error; what it said stands above.")
