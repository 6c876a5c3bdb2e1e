"""What the page asks about cut-outs, and what it can get wrong."""

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from annotator.access.person import LOCAL
from annotator.ui.calls import Calls
from annotator.workspace import Workspace
from storage.rle import Rle
from tests.annotator.conftest import HEIGHT, WIDTH


@pytest.fixture
def instance_id(workspace: Workspace, pictures: list[Path]) -> int:
    """Of a cup on the first of three pictures."""
    image_id = workspace.import_pictures(pictures).image_ids[0]
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[40:120, 60:160] = True
    values = {
        "category_id": workspace.category_called("cup").id,
        "rle": Rle.encode(mask).to_coco(),
        "origin": "click",
    }
    return workspace.repository.add_instances(image_id, [values], labeler="local")[0].id


def ask(workspace: Workspace, name: str, /, **args: Any) -> dict[str, Any]:
    return Calls(workspace).handle({"name": name, "args": args}, person=LOCAL)


def picture(url: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def test_the_page_gets_choices_a_preview_and_an_address(workspace: Workspace, instance_id: int) -> None:
    first, second, _ = workspace.images()
    choices = ask(workspace, "cutout_choices", image_id=second.id)["result"]
    assert choices["image"]["id"] == first.id, "the one that has something to cut out"
    assert [one["number"] for one in choices["instances"]] == [1]
    assert {size["name"] for size in choices["sizes"]} == {"35x45mm", "2x2in"}
    assert choices["presets"]["white"] == "#ffffff"
    options = {"background": "picture", "picture_id": second.id, "soft_edge": 0, "margin": 4}
    what = {"image_id": first.id, "instance_ids": [instance_id], "options": options}
    found = ask(workspace, "cutout_preview", **what)["result"]
    assert (found["width"], found["height"]) == (108, 88)
    assert picture(found["before"]).size == picture(found["after"]).size == (108, 88)
    job = workspace.jobs.get(ask(workspace, "cutout_file", **what)["result"]["id"]).wait()
    told = ask(workspace, "job", job_id=job.id)["result"]
    assert told["state"] == "done"
    assert told["result"]["url"].startswith(f"annotator/cutouts/{job.result['token']}/one_cup_1.png")
    many = ask(workspace, "cutout_zip", chosen={"image_ids": [first.id]}, options={})["result"]
    assert workspace.jobs.get(many["id"]).wait().lines == []


WRONG = [
    ({"background": "/etc/passwd"}, "The background '/etc/passwd' is none"),
    ({"background": "picture"}, "needs the picture"),
    ({"background": "picture", "upload": "/etc/passwd"}, "no uploaded file"),
    ({"background": "picture", "picture_id": 99}, "no picture with the id 99"),
    ({"background": "blur", "blur": 1e9}, "from 1 to 100"),
    ({"soft_edge": "wide"}, "soft_edge"),
    ({"soft_edge": float("nan")}, "from 0 to 50"),
    ({"margin": 10**9}, "from 0 to 4096"),
    ({"corners": "round"}, "corners"),
]


def test_a_wrong_choice_is_answered_in_words(workspace: Workspace, instance_id: int) -> None:
    image_id = workspace.images()[0].id
    for options, text in WRONG:
        answer = ask(workspace, "cutout_preview", image_id=image_id, instance_ids=[instance_id], options=options)
        assert text in answer["error"]["message"]
        assert answer["error"]["kind"] != "bug"
    selections: list[dict[str, Any]] = [{"image_ids": "all"}, {"pictures": [1]}, {"category_id": []}]
    for chosen in selections:
        answer = ask(workspace, "cutout_zip", chosen=chosen)
        assert "A selection is image_ids" in answer["error"]["message"]
