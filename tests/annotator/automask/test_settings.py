"""The settings of a run: SAM's names and defaults, and a clear word about a value that is not allowed."""

import inspect

import pytest
from segment_anything import SamAutomaticMaskGenerator

from annotator.automask import AutomaskSettings
from annotator.errors import SettingsError


def test_names_and_defaults_are_those_of_segment_anything():
    theirs = inspect.signature(SamAutomaticMaskGenerator.__init__).parameters
    ours = AutomaskSettings().to_json()
    assert ours == {name: theirs[name].default for name in ours}
    assert theirs.keys() - ours.keys() == {"self", "model", "point_grids", "output_mode"}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("points_per_side", 0, "points_per_side is a whole number from 1 to 256, got 0."),
        ("points_per_side", 8.5, "points_per_side is a whole number from 1 to 256, got 8.5."),
        ("points_per_side", "32", "points_per_side is a whole number from 1 to 256, got '32'."),
        ("points_per_side", True, "points_per_side is a whole number from 1 to 256, got True."),
        ("points_per_side", float("nan"), "points_per_side is a whole number from 1 to 256, got nan."),
        ("points_per_batch", 5000, "points_per_batch is a whole number from 1 to 4096, got 5000."),
        ("pred_iou_thresh", 1.1, "pred_iou_thresh is a number from 0 to 1, got 1.1."),
        ("stability_score_thresh", -0.1, "stability_score_thresh is a number from 0 to 1, got -0.1."),
        ("stability_score_offset", float("inf"), "stability_score_offset is a number from 0 on, got inf."),
        ("box_nms_thresh", float("nan"), "box_nms_thresh is a number from 0 to 1, got nan."),
        ("crop_n_layers", 5, "crop_n_layers is a whole number from 0 to 4, got 5."),
        ("crop_nms_thresh", None, "crop_nms_thresh is a number from 0 to 1, got None."),
        ("crop_overlap_ratio", 0.95, "crop_overlap_ratio is a number from 0 to 0.9, got 0.95."),
        ("crop_n_points_downscale_factor", 0, "crop_n_points_downscale_factor is a whole number from 1 to 256, got 0."),
        ("min_mask_region_area", -1, "min_mask_region_area is a whole number from 0 on, got -1."),
        ("min_mask_region_area", float("inf"), "min_mask_region_area is a whole number from 0 on, got inf."),
    ],
)
def test_a_value_that_is_not_allowed_is_named_with_what_is(name, value, said):
    with pytest.raises(SettingsError) as refused:
        AutomaskSettings(**{name: value})
    assert str(refused.value) == said


def test_crops_without_points_are_refused():
    said = "crop_n_points_downscale_factor 4 leaves no points for crop layer 2 of points_per_side 8: take a smaller"
    with pytest.raises(SettingsError, match=said):
        AutomaskSettings(points_per_side=8, crop_n_layers=2, crop_n_points_downscale_factor=4)


def test_settings_come_back_from_json_as_they_were():
    settings = AutomaskSettings(points_per_side=16, pred_iou_thresh=0, min_mask_region_area=100)
    assert AutomaskSettings.from_json(settings.to_json()) == settings


def test_whole_numbers_that_json_made_fractions_stay_whole():
    settings = AutomaskSettings.from_json({"points_per_side": 16.0, "pred_iou_thresh": 1})
    assert repr(settings.points_per_side) == "16"
    assert repr(settings.pred_iou_thresh) == "1.0"


def test_an_unknown_setting_is_refused_with_those_there_are():
    with pytest.raises(SettingsError, match=r"No setting is called 'points'; there are points_per_side, .*_area\."):
        AutomaskSettings.from_json({"points": 32})


@pytest.mark.parametrize("name", ["vit_b", "vit_l", "vit_h"])
def test_sam_has_its_own_defaults(name):
    assert AutomaskSettings.for_segmenter(name) == AutomaskSettings()


def test_what_is_given_stands_above_the_defaults_of_a_segmenter():
    default = AutomaskSettings.for_segmenter("builtin")
    assert default != AutomaskSettings()
    given = AutomaskSettings.for_segmenter("builtin", pred_iou_thresh=0.5)
    assert given.pred_iou_thresh == 0.5
    assert given.stability_score_thresh == default.stability_score_thresh


def test_the_floor_lies_below_the_thresholds_and_never_below_zero():
    floor = AutomaskSettings(pred_iou_thresh=0.88, stability_score_thresh=0.05).floor
    assert 0 < floor.pred_iou_thresh < 0.88
    assert floor.stability_score_thresh == 0
    assert floor.box_nms_thresh == AutomaskSettings().box_nms_thresh


@pytest.mark.parametrize("given", [{"crop_n_layers": 1}, {"min_mask_region_area": 10}])
def test_the_floor_is_the_thresholds_themselves_where_they_cannot_be_lowered_afterwards(given):
    settings = AutomaskSettings(**given)
    assert not settings.live
    assert (settings.floor.pred_iou_thresh, settings.floor.stability_score_thresh) == (0.88, 0.95)
    assert settings.floor.box_nms_thresh == 1
