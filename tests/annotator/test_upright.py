"""A click on what one sees leads to the same place in the export, however the camera was held (threat 31)."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from annotator.workspace import Workspace
from exporters.base import ExportOptions

STORED_HW = (120, 200)
BLOCK = 24  # pixels of the white corner: the fake segmenter's disc fits into it


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_click_on_a_corner_is_that_corner_in_the_export(
    orientation: int, workspace: Workspace, cup: int, tmp_path: Path
) -> None:
    stored = np.zeros((*STORED_HW, 3), np.uint8)
    stored[:BLOCK, :BLOCK] = 255  # the file's first pixels, wherever EXIF says that they are
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(stored).save(path, exif=exif)
    image_id = workspace.import_pictures([path]).image_ids[0]
    image = workspace.image(image_id)

    shown = np.asarray(Image.open(workspace.pictures.display(
        image.stored_name, (image.height, image.width), original_name=image.original_name
    )).convert("L"))  # fmt: skip
    assert shown.shape == (image.height, image.width) == (STORED_HW if orientation < 5 else STORED_HW[::-1])
    rows, columns = np.nonzero(shown > 128)
    x, y = float(columns.mean()), float(rows.mean())  # a labeler clicks in the middle of what is white
    actions = [{"kind": "point", "x": x, "y": y, "label": 1}, {"kind": "choose", "candidate": 1}]
    workspace.act(image_id, [*actions, {"kind": "commit", "category_id": cup}], labeler="ann", wait_s=60)

    workspace.exports.write("coco", tmp_path / "out", ExportOptions(), lambda done, total: None)
    (labels,) = [one for one in (tmp_path / "out").rglob("*.json") if one.name != "report.json"]
    document = json.loads(labels.read_text(encoding="utf-8"))
    (annotation,) = document["annotations"]
    exported = next((tmp_path / "out").rglob("*.png"))
    with Image.open(io.BytesIO(exported.read_bytes())) as opened:
        assert opened.getexif().get(0x0112, 1) == 1
        pixels = np.asarray(opened.convert("L"))
    mask = coco_mask.decode(annotation["segmentation"]).astype(bool)
    assert mask.shape == pixels.shape
    assert mask.sum() > 50
    assert pixels[mask].mean() > 200, "the mask lies on the white corner"
