"""SIGKILL at any moment: what was acknowledged is there, and no file is broken."""

import os
import random
import sqlite3
import threading
import time
import zipfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from gradio_client import Client, handle_file
from PIL import Image

from tests.serving import RunningServer

ROUNDS = 3


class Labeler:
    """Clicks, saves, undoes and exports as fast as it can, and keeps a ledger of what the server acknowledged."""

    def __init__(self, client: Client, image_id: int, category_id: int, rng: random.Random) -> None:
        self._client, self._image_id, self._category_id, self._rng = client, image_id, category_id, rng
        self.acknowledged: dict[str, Any] = {}
        self.deeds = 0
        self.began = threading.Event()  # something was acknowledged

    def work(self, stopped: threading.Event) -> None:
        """Until the server is gone: any error ends it, and what it answered last is what counts."""
        with suppress(Exception):
            while not stopped.is_set():
                self.acknowledged = self._deed()()
                self.deeds += 1
                self.began.set()

    def _deed(self) -> Callable[[], dict[str, Any]]:
        state = self.acknowledged
        saves = bool(state.get("points")) and self._rng.random() < 0.3
        if saves:
            return lambda: self._predict("/commit_instance", self._category_id)
        if state.get("can_undo") and self._rng.random() < 0.15:
            return lambda: self._predict("/undo")
        x, y = self._rng.randrange(600), self._rng.randrange(400)
        return lambda: self._predict("/add_point", x, y, int(self._rng.random() < 0.7))

    def _predict(self, api_name: str, *values: Any) -> dict[str, Any]:
        return self._client.predict(self._image_id, *values, api_name=api_name)


def export_forever(client: Client, stopped: threading.Event) -> None:
    with suppress(Exception):
        while not stopped.is_set():
            client.predict("coco", None, api_name="/export_dataset")


@pytest.mark.slow
def test_every_acknowledged_action_survives_sigkill(tmp_path: Path, sample_paths: list[Path]) -> None:
    rng = random.Random(7)
    coffee = next(path for path in sample_paths if path.stem == "coffee")
    with RunningServer(tmp_path / "workspace") as server:
        client = Client(server.url, verbose=False)
        image_id = client.predict([handle_file(str(coffee))], api_name="/import_images")["image_ids"][0]
        category_id = client.predict("cup", api_name="/add_category")[0]["id"]
        deeds = 0
        for _ in range(ROUNDS):
            stopped = threading.Event()
            labeler = Labeler(client, image_id, category_id, rng)
            exporting = Client(server.url, verbose=False)
            threads = [
                threading.Thread(target=labeler.work, args=(stopped,)),
                threading.Thread(target=export_forever, args=(exporting, stopped)),
            ]
            for thread in threads:
                thread.start()
            labeler.began.wait(60)
            time.sleep(rng.uniform(1.0, 3.0))
            server.kill()
            stopped.set()
            for thread in threads:
                thread.join(60)
            deeds += labeler.deeds

            assert_no_broken_file(server.data)
            server.start()
            client = Client(server.url, verbose=False)
            found = client.predict(image_id, api_name="/open_image")
            last = labeler.acknowledged
            # One step may have been written whose answer never arrived; nothing acknowledged may be missing.
            assert found["revision"] - last["revision"] in (0, 1)
            if found["revision"] == last["revision"]:
                for part in ("points", "box", "chosen", "undo_name", "redo_name"):
                    assert found[part] == last[part], part
                if last["instances"] is not None:
                    assert found["instances"] == last["instances"]
            for begun in (server.data / "exports").glob(".*"):
                os.utime(begun, (0, 0))  # killed before it had its lock, or without it already, it would wait a minute
            report = client.predict("coco", None, api_name="/export_dataset")
            assert report["state"] == "done"
            left = [path.name for path in (server.data / "exports").iterdir() if path.name.startswith(".")]
            assert not left, "the next export clears away what the killed one had begun"
        assert deeds > ROUNDS * 3, "the labeler was killed before it did anything"


@pytest.mark.slow
def test_a_job_over_the_whole_workspace_goes_on_after_sigkill(tmp_path: Path, sample_paths: list[Path]) -> None:
    with RunningServer(tmp_path / "workspace") as server:
        client = Client(server.url, verbose=False)
        files = [handle_file(str(path)) for path in sample_paths]
        ids = client.predict(files, api_name="/import_images")["image_ids"]
        # Lower than the defaults, so that every picture has proposals.
        settings = {"points_per_side": 8, "pred_iou_thresh": 0.3, "stability_score_thresh": 0.3}
        client.predict(ids, settings, api_name="/propose_masks")
        done: dict[int, dict[str, Any]] = {}
        for killed in range(2):
            done = wait_for_proposals(client, ids, at_least=killed + 1)
            server.kill()
            server.start()
            client = Client(server.url, verbose=False)
            for image_id, before in done.items():
                assert proposals(client, image_id) == before, "what was done is as it was"
        assert len(done) < len(ids), "everything was done before the last kill"
        done = wait_for_proposals(client, ids, at_least=len(ids))
        assert all(found["proposals"] for found in done.values())
        job = client.predict(ids, settings, api_name="/propose_masks")
        while job["state"] == "running":
            job = client.predict(job["id"], api_name="/job")
        assert job["result"]["done_before"] == len(ids), job
        with closing(sqlite3.connect(server.data / "annotator.db")) as database:
            (saved,), (kept,), (waiting,) = (
                database.execute(query).fetchone()
                for query in (
                    "SELECT seq FROM sqlite_sequence WHERE name = 'proposals'",
                    "SELECT count(*) FROM proposals",
                    "SELECT count(*) FROM proposal_runs WHERE state = 'waiting'",
                )
            )
        assert (saved, waiting) == (kept, 0), "no picture's proposals were saved a second time"


def proposals(client: Client, image_id: int) -> dict[str, Any]:
    return client.predict(image_id, api_name="/list_proposals")


def wait_for_proposals(client: Client, image_ids: list[int], *, at_least: int) -> dict[int, dict[str, Any]]:
    """The answers for the pictures that are done, as soon as they are so many."""
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        found = {image_id: proposals(client, image_id) for image_id in image_ids}
        done = {image_id: one for image_id, one in found.items() if one["run"] and one["run"]["state"] == "done"}
        if len(done) >= at_least:
            return done
        time.sleep(0.02)
    pytest.fail(f"only {len(done)} pictures were done in time")


def assert_no_broken_file(data: Path) -> None:
    """Every file under a final name is whole."""
    for path in [*data.glob("images/**/*.*"), *data.glob("display/**/*.jpg"), *data.glob("thumbs/**/*.jpg")]:
        if path.is_file() and path.suffix in (".png", ".jpg"):
            with Image.open(path) as image:
                image.load()
    for path in data.glob("exports/*.zip"):  # what an export was at work on lies in a hidden folder beside them
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
