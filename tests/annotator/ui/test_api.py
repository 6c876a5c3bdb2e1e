"""The named endpoints, driven by gradio_client against a real server."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from pycocotools import mask as coco_mask

from tests.serving import RunningServer

ENDPOINTS = [
    "import_images", "list_images", "open_image", "add_point", "add_box", "undo", "redo", "clear_prompts",
    "choose_candidate", "commit_instance", "list_instances", "delete_instance", "list_categories", "add_category",
    "export_dataset", "propose_masks", "job", "cancel_job", "list_proposals", "accept_proposals", "reject_proposals",
    "cutout", "overview", "list_formats", "inspect_dataset", "import_dataset",
    "submit_image", "accept_image", "return_image", "next_image", "list_changes", "undo_change",
]  # fmt: skip


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with RunningServer(tmp_path_factory.mktemp("api") / "workspace") as running:
        yield running


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Client:
    return Client(server.url, verbose=False)


@pytest.fixture(scope="module")
def image_id(client: Client, sample_paths: list[Path]) -> int:
    coffee = next(path for path in sample_paths if path.stem == "coffee")
    report = client.predict([handle_file(str(coffee))], api_name="/import_images")
    assert (report["imported"], report["skipped"]) == (1, 0)
    return report["image_ids"][0]


def test_every_named_endpoint_is_there(client: Client) -> None:
    named = client.view_api(return_format="dict", print_info=False)["named_endpoints"]
    assert {f"/{name}" for name in ENDPOINTS} <= set(named)


def test_the_whole_path_goes_through_the_api(client: Client, server: RunningServer, image_id: int) -> None:
    def ask(name: str, *values: Any) -> Any:
        return client.predict(*values, api_name=f"/{name}")

    (image,) = ask("list_images")
    assert (image["id"], image["status"]) == (image_id, "new")
    cup = next(c for c in ask("add_category", "cup") if c["name"] == "cup")
    clicked = ask("add_point", image_id, 300, 200, 1)
    assert len(clicked["candidates"]) == 3
    mask = coco_mask.decode(clicked["candidates"][clicked["chosen"]]["rle"])
    assert mask.shape == (image["height"], image["width"])
    assert mask[200, 300]
    assert ask("add_point", image_id, 20, 20, 0)["revision"] == clicked["revision"] + 1
    assert ask("undo", image_id)["points"] == [{"x": 300, "y": 200, "label": 1}]
    assert len(ask("redo", image_id)["points"]) == 2
    assert ask("choose_candidate", image_id, 2)["chosen"] == 2
    saved = ask("commit_instance", image_id, cup["id"])
    (instance,) = ask("list_instances", image_id)
    assert saved["instances"][0]["rle"] == instance["rle"]
    assert saved["points"] == []
    assert ask("delete_instance", image_id, instance["id"])["instances"] == []
    assert ask("undo", image_id)["instances"][0]["id"] == instance["id"]
    assert ask("add_box", image_id, 100, 50, 400, 350)["box"] == [100, 50, 400, 350]
    assert ask("clear_prompts", image_id)["candidates"] is None
    assert ask("open_image", image_id)["instances"][0]["id"] == instance["id"]
    assert ask("list_categories")[0]["instances"] == 1
    whole = ask("overview", 10**6)
    assert whole["figures"]["categories"] == {"cup": 1}
    assert sum(one["masks"] for one in whole["figures"]["sizes"]) == 1
    tiny = next(check for check in whole["checks"] if check["name"] == "tiny")
    assert tiny["findings"][0]["instance_ids"] == [instance["id"]]
    for address, kept in ((f"{instance['id']}.jpg?v=1", "immutable"), (f"{instance['id']}.jpg", "no-cache")):
        thumbnail = httpx.get(f"{server.url}/annotator/crops/{address}")
        assert (thumbnail.status_code, thumbnail.content[:2]) == (200, b"\xff\xd8")
        assert kept in thumbnail.headers["cache-control"]
    export = ask("export_dataset", "coco", None)
    answer = httpx.get(urljoin(server.url + "/", export["result"]["url"]))
    assert answer.status_code == 200
    assert answer.content.startswith(b"PK")


def test_review_and_history_go_through_the_api_and_nothing_unseen_is_overwritten(client: Client, image_id: int) -> None:
    def ask(name: str, *values: Any) -> Any:
        return client.predict(*values, api_name=f"/{name}")

    cup = ask("add_category", "mug")[-1]["id"]
    ask("clear_prompts", image_id)
    ask("add_point", image_id, 300, 200, 1)
    saved = ask("commit_instance", image_id, cup)["instances"][-1]
    with pytest.raises(AppError, match=f"Instance {saved['id']} on coffee.png was changed meanwhile by local"):
        ask("delete_instance", image_id, saved["id"], saved["version"] - 1)
    newest = ask("list_changes", image_id)[0]
    assert (newest["kind"], newest["instance_ids"]) == ("saved", [saved["id"]])
    assert ask("undo_change", newest["id"])["undoes"] == newest["id"]
    assert saved["id"] not in [one["id"] for one in ask("list_instances", image_id)]
    with pytest.raises(AppError, match="was changed meanwhile"):
        ask("undo", image_id)
    ask("undo", image_id, [saved["id"]])
    with pytest.raises(AppError, match="No change is called 'all'"):
        ask("list_changes", image_id, None, "all")
    assert ask("submit_image", image_id)["status"] == "submitted"
    assert ask("next_image") is None
    returned = ask("return_image", image_id, "the rim")
    assert (returned["status"], returned["review_comment"]) == ("returned", "the rim")
    assert ask("next_image", image_id)["id"] == image_id
    ask("submit_image", image_id)
    assert ask("accept_image", image_id)["status"] == "accepted"


def test_a_data_set_that_went_out_comes_in_through_the_api(
    client: Client, server: RunningServer, image_id: int, tmp_path: Path
) -> None:
    names = [one["name"] for one in client.predict(api_name="/list_formats")]
    assert {"coco", "yolo-segment", "voc"} <= set(names)
    went = client.predict("coco", {"pictures": "none"}, api_name="/export_dataset")
    (tmp_path / "set.zip").write_bytes(httpx.get(urljoin(server.url + "/", went["result"]["url"])).content)
    seen = client.predict([handle_file(str(tmp_path / "set.zip"))], api_name="/inspect_dataset")
    assert (seen["plan"]["format"], seen["plan"]["pictures"]["matched"], seen["plan"]["new_instances"]) == (
        "coco",
        1,
        0,
    )
    came = client.predict(seen["token"], "skip", api_name="/import_dataset")
    assert (came["added"], came["there_already"]) == (0, went["result"]["report"]["instances"])
    with pytest.raises(AppError, match="Upload them again"):
        client.predict(seen["token"], "skip", api_name="/import_dataset")


def test_a_download_that_broke_off_goes_on_where_it_was(client: Client, server: RunningServer, image_id: int) -> None:
    export = client.predict("csv", {"pictures": "link"}, api_name="/export_dataset")
    url = urljoin(server.url + "/", export["result"]["url"])
    with httpx.stream("GET", url, headers={"Accept-Encoding": "br, gzip"}) as broken:
        assert broken.headers["accept-ranges"] == "bytes"
        assert "content-encoding" not in broken.headers, "parts of what is packed on the way fit nothing"
        etag, length = broken.headers["etag"], int(broken.headers["content-length"])
        first = next(broken.iter_raw(100_000))
    assert 0 < len(first) < length
    going_on = {"Range": f"bytes={len(first)}-", "If-Range": etag}
    rest = httpx.get(url, headers=going_on)
    assert rest.status_code == 206
    assert rest.headers["content-range"] == f"bytes {len(first)}-{length - 1}/{length}"
    with zipfile.ZipFile(io.BytesIO(first + rest.content)) as archive:
        assert archive.testzip() is None
        assert "report.json" in archive.namelist()
    other = httpx.get(url, headers=going_on | {"If-Range": '"another export"'})
    assert (other.status_code, other.content) == (200, first + rest.content), "never half of one and half of another"
    assert httpx.get(url, headers={"Range": f"bytes={length}-"}).status_code == 416
    assert int(httpx.head(url).headers["content-length"]) == length


def test_a_cutout_comes_back_as_a_file(client: Client, image_id: int) -> None:
    instance = client.predict(image_id, api_name="/list_instances")[0]
    options = {"background": "blue", "soft_edge": 0, "size": "2x2in"}
    path = client.predict(image_id, [instance["id"]], options, api_name="/cutout")
    with Image.open(path) as photo:
        assert (photo.format, photo.size, photo.getpixel((0, 0))) == ("PNG", (600, 600), (67, 142, 219))
    with pytest.raises(AppError, match="Instance 999 is not on picture"):
        client.predict(image_id, [999], None, api_name="/cutout")


def test_proposals_go_through_the_api(client: Client, image_id: int) -> None:
    def ask(name: str, *values: Any) -> Any:
        return client.predict(*values, api_name=f"/{name}")

    assert ask("list_proposals", image_id)["run"] is None
    job = ask("propose_masks", [image_id], {"points_per_side": 6})
    while job["state"] == "running":
        job = ask("job", job["id"])
    assert (job["state"], job["done"], job["total"]) == ("done", 36, 36), job
    listed = ask("list_proposals", image_id)
    assert listed["run"]["settings"]["points_per_side"] == 6
    assert len(listed["proposals"]) == job["result"]["proposals"] == ask("list_images")[0]["proposals"] > 2
    first, second, *_ = listed["proposals"]
    (image,) = ask("list_images")
    mask = coco_mask.decode(first["rle"])
    assert mask.shape == (image["height"], image["width"])
    assert mask.sum() == first["area"]
    stricter = ask("list_proposals", image_id, {"min_area": first["area"]})["proposals"]
    assert all(one["area"] >= first["area"] for one in stricter)
    bean = ask("add_category", "bean")[-1]
    named = ask("accept_proposals", image_id, [first["id"]], bean["id"])
    assert (named["instances"][-1]["origin"], named["instances"][-1]["rle"]) == ("auto", first["rle"])
    assert ask("reject_proposals", image_id, [second["id"]])["undo_name"] == "rejection of 1 proposal"
    left = {one["id"] for one in ask("list_proposals", image_id)["proposals"]}
    assert not left & {first["id"], second["id"]}
    for _ in range(2):
        ask("undo", image_id)
    assert ask("list_proposals", image_id) == listed
    assert ask("cancel_job", job["id"])["state"] == "done", "to cancel what is over changes nothing"


@pytest.mark.parametrize(
    ("name", "values", "text"),
    [
        ("propose_masks", ([999],), "999"),
        ("propose_masks", (None, {"points_per_side": 0}), "points_per_side is a whole number"),
        ("propose_masks", (None, {"speed": 3}), "speed"),
        ("job", ("propose-99",), "no job"),
        ("overview", (-1,), "got -1"),
        ("list_proposals", (999,), "999"),
        ("list_proposals", (1, {"min_area": -1}), "min_area"),
        ("accept_proposals", (1, [999], 1), "no open proposal 999"),
        ("accept_proposals", (1, [], 1), "at least one"),
        ("reject_proposals", (1, [999]), "no open proposal 999"),
        ("open_image", (999,), "999"),
        ("add_point", (1, 99999, 5, 1), "outside the picture"),
        ("add_point", (1, 5, 5, 7), "label is 1"),
        ("commit_instance", (1, 999), "999"),
        ("add_category", ("",), "name"),
        ("export_dataset", ("tfrecord", None), "tfrecord"),
        ("export_dataset", ("coco", {"speed": 3}), "speed"),
    ],
)
def test_a_mistake_is_answered_with_a_clear_text(
    client: Client, image_id: int, name: str, values: tuple, text: str
) -> None:
    with pytest.raises(AppError, match=text):
        client.predict(*values, api_name=f"/{name}")


def test_a_file_that_was_not_uploaded_is_never_read(client: Client, server: RunningServer) -> None:
    for path in ("/etc/passwd", str(server.data / "annotator.db"), "../annotator.db"):
        with pytest.raises(AppError):
            client.predict([{"path": path}], api_name="/import_images")


def test_another_sites_page_gets_nothing(server: RunningServer) -> None:
    for origin in ("http://evil.example", "null"):
        for method, path in (("GET", "/config"), ("POST", "/gradio_api/component_server")):
            answer = httpx.request(method, server.url + path, headers={"Origin": origin}, content="{}")
            assert answer.status_code == 403, (origin, path)


@pytest.mark.parametrize("path", ["annotator.db", "..%2f..%2fetc/passwd", "%2e%2e/annotator.db"])
def test_nothing_outside_what_is_meant_is_served(server: RunningServer, path: str) -> None:
    for prefix in ("/annotator/static/", "/annotator/exports/x/", "/gradio_api/file=", "/annotator/pictures/"):
        assert httpx.get(server.url + prefix + path).status_code in (403, 404, 405, 422)
