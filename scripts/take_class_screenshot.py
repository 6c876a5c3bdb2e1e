"""Make docs/class.png: the instructor's view of eight labelers on parts of the sample pictures.

Their masks are the built-in model's; when they were saved is set so that each took its labeler some time.

.venv/bin/python -m scripts.take_class_screenshot
"""

import random
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from annotator.access.person import Role
from annotator.config import Settings
from annotator.samples import sample_paths
from annotator.workspace import Workspace
from scripts.ensure_chromium import find_chromium
from tests.annotator.ui.people import INSTRUCTOR_CODE, OPTIONS, Visitor, signed_in
from tests.browser.desk import Desk
from tests.serving import ROOT, RunningServer

TARGET = ROOT / "docs" / "class.png"
# name -> pictures that they have been on, instances of each, seconds for one
CLASS = {
    "Amina": (4, 5, 14),
    "Bogdan": (3, 6, 19),
    "Chiara": (4, 4, 17),
    "Dong-hyun": (2, 7, 26),
    "Esperanza": (5, 5, 11),
    "Farid": (3, 4, 31),
    "Greta": (4, 6, 13),
    "Hugo": (2, 4, 38),
}
AWAY, AWAY_FOR = "Hugo", timedelta(minutes=12)
INSTRUCTOR = "Ms Green"
CATEGORIES = ("animal", "person", "machine", "thing")
COLUMNS, ROWS, SHARE = 4, 2, 0.42  # parts of each sample, and how much of its width and height each shows


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "workspace"
        with Workspace(Settings(data=data)) as workspace:
            workspace.import_pictures(list(parts(Path(folder))))
            label(workspace)
        spread_times(data / "annotator.db")
        with RunningServer(data, options=OPTIONS) as server:
            show(server)


def parts(folder: Path) -> Iterator[Path]:
    """Files with parts of the samples."""
    for path in sample_paths():
        with Image.open(path) as picture:
            width, height = picture.size
            for number in range(COLUMNS * ROWS):
                left = (number % COLUMNS) / (COLUMNS - 1) * (1 - SHARE) * width
                top = (number // COLUMNS) / (ROWS - 1) * (1 - SHARE) * height
                target = folder / f"{path.stem}-{number + 1}.png"
                picture.crop((int(left), int(top), int(left + SHARE * width), int(top + SHARE * height))).save(target)
                yield target


def label(workspace: Workspace) -> None:
    """Each on pictures of their own: the last one is begun, those before are handed in, and some of them reviewed."""
    chance = random.Random(6)
    categories = [workspace.category_called(name).id for name in CATEGORIES]
    pictures = iter(workspace.images())
    handed_in = list[int]()
    for labeler, (count, instances, _) in CLASS.items():
        mine = [next(pictures) for _ in range(count)]
        for image in mine:
            workspace.open_image(image.id, labeler=labeler)
            for _ in range(instances):
                x, y = chance.uniform(0.1, 0.9) * image.width, chance.uniform(0.1, 0.9) * image.height
                point = {"kind": "point", "x": x, "y": y, "label": 1}
                save = {"kind": "commit", "category_id": chance.choice(categories)}
                workspace.act(image.id, [point], labeler=labeler, wait_s=60)
                workspace.act(image.id, [save], labeler=labeler)
        for image in mine[:-1]:
            workspace.review.submit(image.id, labeler=labeler)
            handed_in.append(image.id)
    for image_id in handed_in[::2]:
        workspace.review.accept(image_id, labeler=INSTRUCTOR, role=Role.INSTRUCTOR)
    workspace.review.return_image(handed_in[1], "The tail is missing.", labeler=INSTRUCTOR, role=Role.INSTRUCTOR)


def spread_times(database: Path) -> None:
    """As if each instance had taken its labeler about the time that is theirs."""
    chance = random.Random(7)
    with closing(sqlite3.connect(database)) as connection, connection:
        of_away = "UPDATE sessions SET updated_at = datetime(updated_at, ?) WHERE labeler = ?"
        connection.execute(of_away, (f"-{AWAY_FOR.seconds} seconds", AWAY))
        for labeler, (_, _, seconds) in CLASS.items():
            at = datetime.now(UTC).replace(tzinfo=None) - (AWAY_FOR if labeler == AWAY else timedelta())
            query = "SELECT id FROM instances WHERE labeler = ? ORDER BY id DESC"
            for (instance_id,) in connection.execute(query, (labeler,)).fetchall():
                at -= timedelta(seconds=seconds * chance.lognormvariate(0, 0.4))
                connection.execute("UPDATE instances SET created_at = ? WHERE id = ?", (str(at), instance_id))


def show(server: RunningServer) -> None:
    with ExitStack() as there, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1440, "height": 740})
        context.request.post(f"{server.url}/login", form={"username": INSTRUCTOR, "password": INSTRUCTOR_CODE})
        page = context.new_page()
        Desk(page, server.url).open("coffee-1.png")
        page.keyboard.press("y")
        page.fill("#announce-text", "Ten minutes left: submit what is finished.")
        page.click("#announce-send")
        expect(page.locator("#announce-current")).to_be_visible()
        here = [name for name in CLASS if name != AWAY]
        open_theirs([there.enter_context(signed_in(server, name)) for name in here])
        expect(page.locator("#class-table .class-sign-out:visible")).to_have_count(len(here))
        expect(page.locator("#class-table tr.here")).to_have_count(len(here) + 1)
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur()")
        page.screenshot(path=TARGET)
        context.close()
        browser.close()


def open_theirs(visitors: Sequence[Visitor]) -> None:
    """Each opens the picture that they have begun."""
    for visitor in visitors:
        last = visitor.ask("bootstrap")["result"]["last_image_id"]
        visitor.ask("open_image", image_id=last)


if __name__ == "__main__":
    main()
