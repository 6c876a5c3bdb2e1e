"""The pure state machine of one image's prompts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotator.errors import PromptError
from annotator.session import SessionState, Step, describe, fold

coordinates = st.floats(0, 100, allow_nan=False)
points = st.builds(
    lambda x, y, label: ("point", {"x": x, "y": y, "label": label}), coordinates, coordinates, st.integers(0, 1)
)
boxes = st.builds(lambda x, y: ("box", {"x0": x, "y0": y, "x1": x + 5, "y1": y + 7}), coordinates, coordinates)
events = st.lists(
    st.one_of(points, boxes, st.just(("clear", {})), st.just(("commit", {"category_id": 1}))), max_size=25
)


def test_points_keep_their_order_and_labels() -> None:
    state = fold([("point", {"x": 1, "y": 2, "label": 1}), ("point", {"x": 3, "y": 4, "label": 0})])
    prompt = state.prompt()
    np.testing.assert_array_equal(prompt.point_coords, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(prompt.point_labels, [1, 0])
    assert prompt.box_xyxy is None


def test_a_new_box_takes_the_old_ones_place() -> None:
    first, second = {"x0": 0, "y0": 0, "x1": 5, "y1": 5}, {"x0": 1, "y0": 1, "x1": 9, "y1": 9}
    state = fold([("box", first), ("point", {"x": 3, "y": 4, "label": 0}), ("box", second)])
    assert len(state.steps) == 2
    np.testing.assert_array_equal(state.prompt().box_xyxy, [1, 1, 9, 9])


def test_moving_a_point_forgets_the_choices_made_since() -> None:
    state = fold(
        [
            ("point", {"x": 1, "y": 1, "label": 1}),
            ("choose", {"candidate": 2}),
            ("point", {"x": 9, "y": 9, "label": 1}),
            ("choose", {"candidate": 0}),
            ("move_point", {"index": 1, "x": 8, "y": 8}),
        ]
    )
    assert [step.choice for step in state.steps] == [2, None]
    assert state.points[1].at == (8, 8)


def test_the_index_of_a_point_counts_points_alone() -> None:
    box = {"x0": 0, "y0": 0, "x1": 5, "y1": 5}
    state = fold([("box", box), ("point", {"x": 1, "y": 1, "label": 1}), ("delete_point", {"index": 0})])
    assert state.points == ()
    assert state.box is not None


@pytest.mark.parametrize("index", [-1, 1, None, "0"])
def test_a_point_that_is_not_there_cannot_be_moved(index: object) -> None:
    state = fold([("point", {"x": 1, "y": 1, "label": 1})])
    with pytest.raises(PromptError, match="no point"):
        state.take("move_point", {"index": index, "x": 0, "y": 0})


def test_choosing_needs_a_prompt() -> None:
    with pytest.raises(PromptError, match="click on the picture first"):
        SessionState().take("choose", {"candidate": 1})


def test_an_edit_brings_the_prompt_back_and_a_commit_ends_it() -> None:
    made = fold([("point", {"x": 1, "y": 2, "label": 1}), ("choose", {"candidate": 1})])
    steps = [step.to_json() for step in made.steps]
    editing = SessionState().take("edit_instance", {"instance_id": 7, "steps": steps})
    assert editing.steps == made.steps
    assert editing.editing == 7
    assert editing.take("commit", {"category_id": 1}) == SessionState()


def test_deleting_the_edited_instance_ends_the_edit_but_keeps_the_prompt() -> None:
    editing = SessionState(steps=(Step("point", (1.0, 2.0)),), editing=7)
    assert editing.take("delete_instance", {"changes": [{"id": 7}]}).editing is None
    assert editing.take("delete_instance", {"changes": [{"id": 8}]}).editing == 7


@given(events)
def test_the_state_is_a_function_of_the_steps_so_that_undo_and_redo_are_inverse(taken: list) -> None:
    states = [fold(taken[:count]) for count in range(len(taken) + 1)]
    back = [fold(taken[:count]) for count in reversed(range(len(taken) + 1))]
    assert back == states[::-1]
    assert all(states[at + 1] == states[at].take(*taken[at]) for at in range(len(taken)))


@given(events)
def test_steps_survive_json(taken: list) -> None:
    for step in fold(taken).steps:
        assert Step.from_json(step.to_json()) == step


@given(events.filter(bool))
def test_every_step_has_a_name_for_the_undo_button(taken: list) -> None:
    assert all(describe(*event) for event in taken)
