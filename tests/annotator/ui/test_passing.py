"""Programs and pictures go through the workspace's doors, and no address is kept for what may be something else."""

import gradio as gr
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from annotator.ui.api import add_endpoints
from annotator.ui.server import routes
from annotator.workspace import Workspace


def test_programs_are_told_that_a_backup_is_being_restored(workspace: Workspace) -> None:
    with gr.Blocks() as blocks:
        add_endpoints(workspace)
    ends = {one.api_name: one.fn for one in blocks.fns.values() if one.fn is not None}
    assert len(ends) > 20
    with workspace.doors.shut(wait_s=0):
        for end in ends.values():
            with pytest.raises(gr.Error, match="being restored"):
                end()


def test_a_picture_is_sent_and_kept_under_the_address_that_names_its_content_alone(
    workspace: Workspace, image_id: int
) -> None:
    version = workspace.image(image_id).sha256[:8]
    client = TestClient(Starlette(routes=routes(workspace)))
    for kind in ("pictures", "thumbs"):
        address = f"/annotator/{kind}/{image_id}.jpg"
        assert "immutable" in client.get(f"{address}?v={version}").headers["cache-control"]
        assert client.get(address).headers["cache-control"] == "no-cache"
        assert client.get(f"{address}?v=00000000").status_code == 404  # of before a restore
        with workspace.doors.shut(wait_s=0):
            assert client.get(address).status_code == 404
