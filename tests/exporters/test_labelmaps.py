"""Pictures whose pixels are numbers."""

import cv2
import numpy as np
import pytest
from PIL import Image

from exporters.labelmaps import rgb, voc_palette, write_16_bit, write_indexed


def test_an_indexed_png_gives_numbers_to_programs_and_colours_to_viewers(tmp_path):
    values = np.arange(12).reshape(3, 4)
    palette = voc_palette()
    write_indexed(tmp_path / "map.png", values, palette)
    with Image.open(tmp_path / "map.png") as picture:
        assert (picture.mode, picture.format) == ("P", "PNG")
        assert np.array_equal(np.array(picture), values)
        assert np.array(picture.convert("RGB")).reshape(-1, 3).tolist() == [list(color) for color in palette[:12]]


@pytest.mark.parametrize("colours", [1, 2, 3, 17, 256])
def test_a_pixel_is_a_byte_however_few_colours_there_are(tmp_path, colours):
    write_indexed(tmp_path / "map.png", np.zeros((3, 5)), [(9, 9, 9)] * colours)
    assert (tmp_path / "map.png").read_bytes()[24] == 8  # the header's bits a sample


def test_a_16_bit_map_is_read_back_by_both_readers(tmp_path):
    values = np.array([[0, 255, 256], [300, 65_534, 1]])
    write_16_bit(tmp_path / "map.png", values)
    assert np.array_equal(np.array(Image.open(tmp_path / "map.png")), values)
    assert np.array_equal(cv2.imread(str(tmp_path / "map.png"), cv2.IMREAD_UNCHANGED), values)


def test_the_voc_palette_is_that_of_the_devkit():
    palette = voc_palette()
    assert palette[:4] == [(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)]
    assert palette[15] == (192, 128, 128)  # person
    assert palette[20] == (0, 64, 128)  # tv monitor
    assert palette[255] == (224, 224, 192)  # void
    assert len(set(palette)) == 256


def test_a_colour_is_its_three_numbers():
    assert rgb("#0072b2") == (0, 114, 178)
