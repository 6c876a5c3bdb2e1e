"""The segmenter at work, for many at once."""

from collections.abc import Iterator

import pytest

from annotator.engine import Engine
from annotator.session import SessionState, Step
from annotator.workspace import Workspace
from tests.fakes import FakeSegmenter

KEPT = 2


@pytest.fixture
def engine(workspace: Workspace) -> Iterator[Engine]:
    engine = Engine(workspace.settings, workspace.pixels, str, kept_answers=KEPT)
    yield engine
    engine.close()


def test_each_labelers_next_click_is_one_prediction_however_many_others_clicked_meanwhile(
    engine: Engine, workspace: Workspace, image_id: int, fake_segmenter: FakeSegmenter
) -> None:
    image = workspace.image(image_id)
    embedding = engine.encode(image, urgent=True).wait(20)
    assert embedding is not None
    labelers = [f"labeler {number}" for number in range(KEPT * 3)]
    states = {labeler: SessionState() for labeler in labelers}
    for click in range(3):
        for number, labeler in enumerate(labelers):
            step = Step("point", (10.0 + number, 20.0 + click))
            states[labeler] = SessionState(steps=(*states[labeler].steps, step))
            before = fake_segmenter.predicts
            engine.answer(image, states[labeler], embedding, asker=labeler)
            assert fake_segmenter.predicts == before + 1
    before = fake_segmenter.predicts
    for labeler in labelers:  # a save asks for the newest answer again
        engine.answer(image, states[labeler], embedding, asker=labeler)
    assert fake_segmenter.predicts == before
