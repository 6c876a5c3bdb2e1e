"""What a browser is told of a picture that cannot be fetched now."""

import shutil
import uuid
from dataclasses import replace
from pathlib import Path

from starlette.applications import Starlette
from starlette.testclient import TestClient

from annotator.config import Settings
from annotator.objects import Remote
from annotator.ui.server import routes
from annotator.workspace import Workspace


def test_a_picture_that_cannot_be_fetched_now_is_said_in_words_and_comes_later(
    settings: Settings, pictures: list[Path]
) -> None:
    url = f"memory://{uuid.uuid4().hex}/pictures"
    with Workspace(replace(settings, pictures_url=url)) as workspace:
        image_id = workspace.import_pictures(pictures).image_ids[0]
        address = f"/annotator/pictures/{image_id}.jpg"
        shutil.rmtree(settings.data / "picture-cache")
        place = Remote(url)
        name = workspace.image(image_id).stored_name
        content = {kept: place.get(kept) for kept in (name, "annotator.txt")}
        for kept in content:
            place.remove(kept)
        browser = TestClient(Starlette(routes=routes(workspace)))
        refused = browser.get(address)
        assert (refused.status_code, refused.headers["content-type"]) == (503, "text/plain; charset=utf-8")
        assert refused.text.startswith("one.png: It cannot be fetched now. memory://")
        for kept, data in content.items():
            place.put(kept, data)
        assert browser.get(address).headers["content-type"] == "image/jpeg"
