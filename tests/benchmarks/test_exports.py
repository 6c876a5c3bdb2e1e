"""The benchmark of exports, on few and small masks."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.export_data import MemoryDataset, fill_database
from benchmarks.export_masks import real_masks
from benchmarks.exports import measure_truth
from exporters.dataset import StoredDataset
from storage.database import Database
from storage.repository import Repository
from tests.exporters.datasets import ring_and_dot

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
def test_the_benchmark_prints_its_figures_as_json_on_the_last_line():
    program = [sys.executable, str(ROOT / "benchmarks/exports.py"), "--json"]
    few = ["--pictures", "3", "--instances-per-picture", "2", "--repeats", "1", "--masks", "4"]
    said = subprocess.run([*program, *few], capture_output=True, text=True, check=True)
    figures = json.loads(said.stdout.splitlines()[-1])
    assert figures["instances"] == figures["compared_instances"] == 6
    assert {"rle", "polygons", "as_is"} <= set(figures["rivals"])
    assert figures["rle_iou_min"] == 1
    assert figures["polygon_iou_p01"] >= 0.99
    assert figures["polygon_points_median"] > 3
    assert 0 < figures["time_ratio"] < figures["polygons_time_ratio"]
    assert figures["peak_mb"] > 0


def test_truth_is_measured_on_the_files_of_each_format(tmp_path):
    figures = measure_truth([ring_and_dot(), np.ones((9, 12), dtype=bool)], tmp_path)
    assert [figures[f"{key}_iou_min"] for key in ("rle", "polygon", "labelme")] == [1, 1, 1]
    assert 0.9 < figures["yolo_iou_min"] < 1  # a bridge


def test_a_quarter_of_the_masks_has_holes_and_a_quarter_several_parts(tmp_path):
    (tmp_path / "some/masks").mkdir(parents=True)
    split = np.zeros((24, 32), dtype=np.uint16)
    split[2:9, 2:9] = split[12:20, 12:20] = 7
    plain = np.full((24, 32), 3, dtype=np.uint16)
    for number, labels in enumerate([ring_and_dot().astype(np.uint16), split, plain, plain]):
        cv2.imwrite(str(tmp_path / f"some/masks/{number}.png"), labels)
    found = real_masks(tmp_path, 4, seed=1)  # none of them is thin
    assert [int(mask.sum()) for mask in found] == [ring_and_dot().sum(), 7 * 7 + 8 * 8, 24 * 32]
    with pytest.raises(SystemExit, match="no masks"):
        real_masks(tmp_path / "elsewhere", 3, seed=1)


def test_the_large_data_set_has_as_many_pictures_and_instances_as_asked(tmp_path):
    fill_database(tmp_path / "annotator.db", 45, [ring_and_dot()], 2)
    database = Database.open(f"sqlite:///{tmp_path / 'annotator.db'}")
    dataset = StoredDataset(Repository(database), tmp_path.joinpath)
    assert [len(dataset.instances(image)) for image in dataset.images] == [2] * 45
    assert len({image.sha256 for image in dataset.images}) == 45
    database.close()


def test_pictures_in_memory_have_the_masks_they_were_given(tmp_path):
    dataset = MemoryDataset(tmp_path, [[ring_and_dot()], [np.ones((5, 7), dtype=bool)]])
    assert [image.size_hw for image in dataset.images] == [(24, 32), (5, 7)]
    (instance,) = dataset.instances(dataset.images[0])
    assert np.array_equal(instance.rle.decode(), ring_and_dot())
