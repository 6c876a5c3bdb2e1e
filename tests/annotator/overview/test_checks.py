"""Each check finds what it is for, and nothing else; looks are kept, and taken again where masks have changed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from annotator.access.person import Role
from annotator.errors import AnnotatorError
from annotator.overview import checks
from annotator.overview.checks import CheckName, Finding
from annotator.overview.look import Look, Scattered, Twins
from annotator.overview.looking import Looking
from annotator.overview.lookstore import LookStore
from annotator.workspace import Workspace
from storage.records import ImageStatus
from tests.annotator.conftest import HEIGHT, WIDTH
from tests.annotator.overview.conftest import ME, Save

BOX = (10, 10, 40, 40)


def found(workspace: Workspace, **settings: int) -> dict[CheckName, tuple[Finding, ...]]:
    """By check, those that found something."""
    workspace.dataset.looking.run()
    return {check.name: check.findings for check in workspace.dataset.checks(**settings) if check.total}


def test_a_sound_data_set_has_no_findings(workspace: Workspace, image_ids: list[int], save: Save) -> None:
    for image_id in image_ids:
        save(image_id, "cup", BOX, (100, 100, 50, 20))
        workspace.set_status(image_id, ImageStatus.DONE)
    assert found(workspace) == {}


def test_each_check_finds_its_own_and_says_where(workspace: Workspace, image_ids: list[int], save: Save) -> None:
    first, second, third = image_ids
    one, two = save(first, "cup", BOX, BOX)
    (three,) = save(first, "spoon", (200, 10, 40, 40))
    (four,) = save(first, "cup", (200, 10, 40, 39))
    (apart,) = save(second, "cup", [(0, 40, 40, 40), (250, 150, 20, 20)])
    (tiny,) = save(second, "cup", (100, 100, 7, 9))
    (whole,) = save(second, "table", (0, 0, WIDTH, HEIGHT))
    (strip,) = save(second, "cup", (50, HEIGHT - 2, 60, 2))
    workspace.set_status(third, ImageStatus.DONE)
    workspace.category_called("unused")
    findings = found(workspace)
    assert {name: [(f.image_id, f.image_name, f.instance_ids) for f in some] for name, some in findings.items()} == {
        CheckName.TWINS: [(first, "one.png", (two, one))],
        CheckName.DISPUTED: [(first, "one.png", (four, three))],
        CheckName.SCATTERED: [(second, "two.png", (apart,))],
        CheckName.TINY: [(second, "two.png", (tiny,))],
        CheckName.WHOLE: [(second, "two.png", (whole,))],
        CheckName.BORDER: [(second, "two.png", (strip,))],
        CheckName.EMPTY: [(third, "three.png", ())],
        CheckName.UNUSED: [(None, "", ())],
    }
    texts = {name: some[0].text for name, some in findings.items()}
    assert texts[CheckName.DISPUTED] == "cup and spoon: IoU 0.97"
    assert texts[CheckName.TINY] == "cup: 63 pixels"
    assert texts[CheckName.UNUSED] == "unused"


def test_what_counts_as_tiny_is_the_callers_to_say(workspace: Workspace, image_ids: list[int], save: Save) -> None:
    save(image_ids[0], "cup", BOX)
    assert set(found(workspace, tiny_area=1601)) == {CheckName.TINY}
    assert found(workspace, tiny_area=1600) == {}
    with pytest.raises(AnnotatorError, match="got -1"):
        workspace.dataset.checks(tiny_area=-1)


def test_more_findings_than_are_told_are_counted(
    workspace: Workspace, image_ids: list[int], save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "MOST", 3)
    save(image_ids[0], "cup", *[BOX] * 6)
    workspace.dataset.looking.run()
    twins = workspace.dataset.checks()[0]
    assert (twins.total, len(twins.findings)) == (5, 3)


def test_only_pictures_that_changed_are_looked_at_again(
    workspace: Workspace, image_ids: list[int], save: Save, category: Callable[[str], int]
) -> None:
    looking, spoon = workspace.dataset.looking, category("spoon")
    ids = [save(image_id, "cup", BOX, BOX)[1] for image_id in image_ids]
    assert (looking.run(), looking.run(), looking.outdated()) == (3, 0, [])
    workspace.dataset.gallery.set_category([ids[1]], spoon, labeler=ME, role=Role.INSTRUCTOR)
    assert looking.outdated() == [image_ids[1]]
    assert set(found(workspace)) == {CheckName.TWINS, CheckName.DISPUTED}
    workspace.dataset.gallery.delete([ids[1]], labeler=ME, role=Role.INSTRUCTOR)
    workspace.remove_image(image_ids[0], role=Role.INSTRUCTOR)
    assert len(found(workspace)[CheckName.TWINS]) == 1
    assert set(looking.looks()) == set(image_ids[1:])


def test_looks_outlive_the_program_and_a_damaged_file_does_no_harm(
    workspace: Workspace, image_ids: list[int], save: Save
) -> None:
    save(image_ids[0], "cup", BOX, [(0, 40, 40, 40), (250, 150, 20, 20)], BOX)
    workspace.dataset.looking.run()
    folder = workspace.settings.data / "overview"

    def again() -> Looking:
        return Looking(workspace.repository, workspace.pictures, workspace.jobs, folder)

    (before,) = workspace.dataset.looking.looks().values()
    (after,) = again().looks().values()
    assert (after.state, after.twins, after.scattered) == (before.state, before.twins, before.scattered)
    np.testing.assert_array_equal(after.traits, before.traits)
    assert again().outdated() == []
    (folder / "looks.npz").write_bytes(b"PK not really")
    assert again().outdated() == image_ids[:1]


def test_what_is_kept_of_many_looks_comes_back_as_it_was(tmp_path: Path) -> None:
    def of(number: int) -> Look:
        pairs = tuple(
            Twins(first_id=one, second_id=one + 1, iou=0.9 + one / 100, one_category=bool(one % 2))
            for one in range(number)
        )
        return Look(
            state=f"{number} ü",
            ids=np.arange(number, dtype=np.int64),
            traits=np.full((number, 7), number, np.float32),
            twins=pairs,
            scattered=tuple(Scattered(id=one, parts=2, pixels=9) for one in range(number)),
        )

    store = LookStore(tmp_path / "looks.npz")
    for number in range(4):
        store.put(number, of(number))
    store.save(of=[0, 1, 3])
    read = LookStore(tmp_path / "looks.npz").looks()
    assert list(read) == [0, 1, 3]
    for number, look in read.items():
        assert (look.state, look.twins, look.scattered) == (of(number).state, of(number).twins, of(number).scattered)
        np.testing.assert_array_equal(look.ids, of(number).ids)
        np.testing.assert_array_equal(look.traits, of(number).traits)


def test_a_lost_picture_is_looked_at_without_its_colours(
    workspace: Workspace, image_ids: list[int], save: Save
) -> None:
    save(image_ids[0], "cup", BOX)
    image = workspace.image(image_ids[0])
    workspace.pictures.remove(image.stored_name)
    assert found(workspace) == {}
    (look,) = workspace.dataset.looking.looks().values()
    assert np.isnan(look.traits[0]).tolist() == [False] * 3 + [True] * 4


def test_looking_goes_on_in_the_background_once_and_can_be_stopped(
    workspace: Workspace, image_ids: list[int], save: Save
) -> None:
    looking = workspace.dataset.looking
    assert looking.start() is None
    save(image_ids[0], "cup", BOX)
    job = looking.start()
    assert job is not None
    assert job.wait(30).state == "done"
    assert (job.done, job.total) == (1, 1)
    for image_id in image_ids:
        save(image_id, "cup", BOX)
    stops = iter([False, True])
    with pytest.raises(AnnotatorError, match="Stopped"):
        looking.run(cancelled=lambda: next(stops))
    assert looking.outdated() == image_ids[1:]  # what was seen by then is kept
