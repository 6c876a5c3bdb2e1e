"""Calls wait so that nobody is slowed by somebody who sends many; in what order is told by the calls alone."""

import time
from collections.abc import Awaitable, Callable

import anyio
import pytest
from anyio.abc import TaskGroup

from annotator.ui.allowance import Allowances
from annotator.ui.waitingroom import BusyError, Portions, WaitingRoom
from tests import asynchronous


class Scene:
    """People who come in a given order and stay until they are sent off."""

    def __init__(self, tasks: TaskGroup, room: WaitingRoom) -> None:
        self._tasks, self._room = tasks, room
        self.seated: list[str] = []  # in the order in which they got in
        self._doors: dict[str, anyio.Event] = {}
        self.scopes: dict[str, anyio.CancelScope] = {}

    async def come(self, *calls: str) -> None:
        """ "a1" is the first call of a's."""
        for call in calls:
            self._doors[call], self.scopes[call] = anyio.Event(), anyio.CancelScope()
            self._tasks.start_soon(self._stay, call)
            await anyio.wait_all_tasks_blocked()

    async def go(self, *calls: str) -> None:
        for call in calls:
            self._doors[call].set()
            await anyio.wait_all_tasks_blocked()

    async def _stay(self, call: str) -> None:
        with self.scopes[call]:
            async with self._room.seat(call[0]):
                self.seated.append(call)
                await self._doors[call].wait()


def spend(cost_s: float) -> None:
    """Keep the processor busy for so long."""
    until = time.thread_time() + cost_s
    while time.thread_time() < until:
        pass


def play(room: WaitingRoom, scene: Callable[[Scene], Awaitable[None]]) -> list[str]:
    """Run the scene; who got in, in order."""

    async def run() -> list[str]:
        async with anyio.create_task_group() as tasks:
            stage = Scene(tasks, room)
            await scene(stage)
            tasks.cancel_scope.cancel()
        return stage.seated

    return asynchronous.run(run)


def test_a_flood_of_one_persons_calls_leaves_the_next_seats_to_the_others():
    async def scene(stage: Scene) -> None:
        await stage.come("f1", "f2", "f3", "f4", "f5", "a1", "b1", "a2")
        await stage.go("f1", "f2", "a1", "b1")

    assert play(WaitingRoom(seats=2, each=2), scene) == ["f1", "f2", "a1", "f3", "b1", "a2"]


def test_nobody_takes_more_than_their_own_seats_while_others_are_free():
    async def scene(stage: Scene) -> None:
        await stage.come("f1", "f2", "f3", "f4", "a1")
        assert stage.seated == ["f1", "f2", "a1"]
        await stage.go("f2")

    assert play(WaitingRoom(seats=40, each=2), scene) == ["f1", "f2", "a1", "f3"]


def test_who_sends_too_many_is_told_and_the_rest_goes_on():
    room = WaitingRoom(seats=1, each=1, waiting=1)

    async def scene(stage: Scene) -> None:
        await stage.come("f1", "f2")
        with pytest.raises(BusyError, match="send it again"):
            async with room.seat("f"):
                raise AssertionError("there is no seat")
        await stage.come("a1")
        await stage.go("f1", "f2")

    assert play(room, scene) == ["f1", "f2", "a1"]


def test_a_call_whose_sender_left_neither_waits_nor_sits():
    async def scene(stage: Scene) -> None:
        await stage.come("a1", "b1", "c1")
        stage.scopes["b1"].cancel()
        await anyio.wait_all_tasks_blocked()
        await stage.go("a1")
        assert stage.seated == ["a1", "c1"]
        stage.scopes["c1"].cancel()
        await anyio.wait_all_tasks_blocked()
        await stage.come("d1")

    room = WaitingRoom(seats=1)
    assert play(room, scene) == ["a1", "c1", "d1"]


def test_who_has_used_up_their_share_waits_while_others_pass_and_comes_in_by_themselves():
    allowances = Allowances(share=0.2, at_once_s=0.04)
    room = WaitingRoom(seats=9, allowances=allowances)

    async def scene(stage: Scene) -> None:
        await stage.come("a1", "f1")
        with allowances.at_work("f"):
            spend(0.2)
        await stage.come("f2", "b1", "a2")
        assert stage.seated == ["a1", "f1", "b1", "a2"]
        with anyio.fail_after(5):
            while len(stage.seated) < 5:
                await anyio.sleep(0.01)

    assert play(room, scene) == ["a1", "f1", "b1", "a2", "f2"]


def test_people_who_went_leave_nothing_behind():
    room = WaitingRoom(seats=1)

    async def scene(stage: Scene) -> None:
        await stage.come("a1", "b1")
        await stage.go("a1", "b1")

    assert play(room, scene) == ["a1", "b1"]
    assert (len(room._queues), len(room._seated)) == (0, 0)


def test_a_program_that_has_used_up_its_share_is_held_back_not_refused():
    allowances = Allowances(share=1.0, at_once_s=0.05)
    portions = Portions(allowances=allowances)
    with portions.portion("a"):
        pass
    with portions.portion("f"):
        spend(0.2)
    began = time.monotonic()
    with portions.portion("f"):
        assert time.monotonic() - began > 0.05


def test_a_program_gets_so_many_calls_at_once_and_no_more_and_nobody_else_less():
    portions = Portions(each=2)
    with (
        portions.portion("f"),
        portions.portion("f"),
        portions.portion("a"),
        pytest.raises(BusyError, match="2 calls under way"),
        portions.portion("f"),
    ):
        raise AssertionError("that is one too many")
    with portions.portion("f"):
        pass
