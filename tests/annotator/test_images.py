"""Which files are taken as pictures, and that their pixels come out right and upright."""

import contextlib
import hashlib
import io
import struct
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageCms, ImageFile, PngImagePlugin

from annotator.errors import ImageError
from annotator.images import (
    Picture,
    display_size_hw,
    encode_for_store,
    read_image,
    reduced_jpeg,
    thumbnail_jpeg,
)
from annotator.samples import sample_paths

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::PIL.Image.DecompressionBombWarning")

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")
ORIENTATION = 0x0112
HEIGHT, WIDTH = 24, 40


def encoded(image: Image.Image, file_format: str, **options) -> bytes:
    out = io.BytesIO()
    image.save(out, file_format, **options)
    return out.getvalue()


def picture(seed: int = 0, size_hw: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """H×W×3 uint8: smooth, so that lossy formats keep it nearly."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (3, 4, 3), np.uint8))
    return np.asarray(small.resize(size_hw[::-1], Image.Resampling.BICUBIC))


def stored_again(given: Picture) -> np.ndarray:
    return read_image(encode_for_store(given)[0]).pixels


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises a size and has next to nothing in it."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def png_chunks(data: bytes) -> list[bytes]:
    kinds, at = [], 8
    while at < len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        kinds.append(data[at + 4 : at + 8])
        at += 12 + length
    return kinds


# what is taken


@pytest.mark.parametrize("file_format", FORMATS)
def test_each_format_is_told_by_its_content_not_its_name(tmp_path: Path, file_format: str) -> None:
    pixels = picture()
    data = encoded(Image.fromarray(pixels), file_format)
    path = tmp_path / "wrong name.txt"
    path.write_bytes(data)
    read = read_image(path)
    assert read.format == file_format
    assert read.sha256 == hashlib.sha256(data).hexdigest()
    assert read.exif_orientation == 1
    assert read.note == ""
    assert read.pixels.dtype == np.uint8
    assert read.pixels.flags.c_contiguous
    assert np.abs(read.pixels.astype(int) - pixels).mean() <= (6 if file_format in ("JPEG", "WEBP") else 0)


@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))), st.sampled_from(FORMATS[1:]))
def test_pixels_of_any_size_survive_every_lossless_format_and_the_store(pixels: np.ndarray, file_format: str) -> None:
    options = {"lossless": True} if file_format == "WEBP" else {}
    read = read_image(encoded(Image.fromarray(pixels), file_format, **options))
    np.testing.assert_array_equal(read.pixels, pixels)
    np.testing.assert_array_equal(stored_again(read), pixels)


@settings(max_examples=150)
@given(st.binary(max_size=200), st.sampled_from((b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"BM", b"II*\0")))
def test_arbitrary_bytes_are_refused_and_never_anything_else(data: bytes, start: bytes) -> None:
    with pytest.raises(ImageError, match=r"^The picture: "):
        read_image(start + data)


@settings(max_examples=150)
@given(st.sampled_from(FORMATS), st.integers(0, 10**6), st.binary(min_size=1, max_size=4))
def test_a_file_with_a_few_bytes_overwritten_is_read_or_refused(file_format: str, place: int, patch: bytes) -> None:
    data = bytearray(encoded(Image.fromarray(picture()), file_format))
    place %= len(data)
    data[place : place + len(patch)] = patch
    try:
        read = read_image(bytes(data), max_pixels=10**6)
    except ImageError:
        return
    assert read.pixels.shape[2] == 3
    np.testing.assert_array_equal(stored_again(read).shape, read.pixels.shape)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_cut_off_anywhere_is_refused_or_lacks_no_pixel(file_format: str) -> None:
    data = encoded(Image.fromarray(picture()), file_format)
    whole = read_image(data).pixels
    for length in range(len(data) - 4):  # the last four bytes are a PNG's checksum of nothing, or a BMP's padding
        with pytest.raises(ImageError, match=r"^cut: "):
            read_image(data[:length], name="cut")
    for length in range(len(data) - 4, len(data)):
        with contextlib.suppress(ImageError):
            np.testing.assert_array_equal(read_image(data[:length]).pixels, whole)


def test_half_a_photograph_is_refused_by_name_with_what_to_do(tmp_path: Path) -> None:
    source = sample_paths()[-1].read_bytes()
    path = tmp_path / "half.jpg"
    path.write_bytes(source[: len(source) // 2])
    with pytest.raises(ImageError, match=r"^half\.jpg: It is damaged or cut off .* Copy it again"):
        read_image(path)


def test_a_png_with_a_flipped_bit_is_refused() -> None:
    data = bytearray(encoded(Image.fromarray(picture()), "PNG"))
    data[data.index(b"IDAT") + 20] ^= 1
    with pytest.raises(ImageError, match=r"damaged"):
        read_image(bytes(data))


def test_a_truncated_file_is_never_filled_up() -> None:
    assert not ImageFile.LOAD_TRUNCATED_IMAGES


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "SVG, HTML or XML text"),
        (b"\xef\xbb\xbf\n<!doctype html><script>alert(1)</script>", "SVG, HTML or XML text"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "PostScript"),
        (b"\xc5\xd0\xd3\xc6" + bytes(60), "PostScript"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"no picture at all\n", "text"),
        (b"\0\0\0\x18ftypheic" + bytes(60), "a HEIC"),
        (b"PK\x03\x04" + bytes(60), "a zip archive"),
        (bytes(range(256)), "no picture"),
        (encoded(Image.fromarray(picture()), "GIF"), "a GIF"),
        (encoded(Image.fromarray(picture()), "ICO"), "no picture"),
        (encoded(Image.fromarray(picture()), "PPM"), "no picture"),
    ],
)
def test_other_content_named_png_is_refused_for_what_it_is(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(content)
    with pytest.raises(ImageError, match=rf"^x\.png: It is {what}.*, not JPEG, PNG, WebP, BMP or TIFF\. Save it as"):
        read_image(path)
    with pytest.raises(ImageError, match=rf"^The picture: It is {what}"):
        read_image(content)


def test_an_empty_file_a_missing_one_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    with pytest.raises(ImageError, match=r"^empty\.png: The file is empty"):
        read_image(tmp_path / "empty.png")
    with pytest.raises(ImageError, match=r"^gone\.png: There is no such file"):
        read_image(tmp_path / "gone.png")
    with pytest.raises(ImageError, match=r"There is no such file"):
        read_image(tmp_path)


# sizes


def test_a_pixel_bomb_is_refused_before_it_is_decoded() -> None:
    started = time.monotonic()
    with pytest.raises(ImageError, match=r"^bomb\.png: It has far too many pixels"):
        read_image(png_header(20_000, 20_000), name="bomb.png")
    with pytest.raises(ImageError, match=r"It has 12000×10000 pixels; at most 100 megapixels are taken"):
        read_image(png_header(12_000, 10_000))
    assert time.monotonic() - started < 1


def test_the_limit_is_the_number_of_pixels_and_includes_it() -> None:
    data = encoded(Image.fromarray(picture(size_hw=(10, 30))), "PNG")
    assert read_image(data, max_pixels=300).size_hw == (10, 30)
    with pytest.raises(ImageError, match=r"It has 30×10 pixels"):
        read_image(data, max_pixels=299)


def test_a_hundred_megapixels_pass_the_size_check_and_fail_for_what_they_lack() -> None:
    with pytest.raises(ImageError, match=r"damaged or cut off"):
        read_image(png_header(10_000, 10_000))


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg", "tiff_adobe_deflate", "packbits"])
def test_a_tiff_that_is_taller_than_what_it_holds_is_refused(compression: str) -> None:
    data = encoded(Image.fromarray(picture()), "TIFF", compression=compression)
    taller = with_tiff_tag(data, 257, HEIGHT, 100_000)
    with pytest.raises(ImageError, match=r"damaged or cut off"):
        read_image(taller)


def test_a_tiff_strip_of_a_gigabyte_is_read_no_further_than_the_picture_goes() -> None:
    pixels = picture()
    data = encoded(Image.fromarray(pixels), "TIFF")
    np.testing.assert_array_equal(read_image(with_tiff_tag(data, 279, HEIGHT * WIDTH * 3, 2**30)).pixels, pixels)
    packed = encoded(Image.fromarray(pixels), "TIFF", compression="tiff_lzw")
    with pytest.raises(ImageError, match=r"damaged or cut off"):
        read_image(with_tiff_tag(with_tiff_tag(packed, 278, HEIGHT, 2**30), 257, HEIGHT, 1_000_000))


def with_tiff_tag(data: bytes, tag: int, old: int, new: int) -> bytes:
    """A little-endian TIFF with one number in its header changed."""
    for kind in (3, 4):  # short and long
        place = data.find(struct.pack("<HHII", tag, kind, 1, old))
        if place >= 0:
            return data[: place + 2] + struct.pack("<HII", 4, 1, new) + data[place + 12 :]
    raise AssertionError(f"tag {tag} is not {old}")


@pytest.mark.slow
def test_a_hundred_megapixel_jpeg_is_read_and_shown_reduced() -> None:
    pixels = np.zeros((10_000, 10_000, 3), np.uint8)
    pixels[:5000] = 200
    data = encoded(Image.fromarray(pixels), "JPEG", exif=exif(8))
    read = read_image(data)
    assert read.size_hw == (10_000, 10_000)
    assert read.pixels[9999, 100, 0] == pytest.approx(200, abs=2)
    shown = Image.open(io.BytesIO(reduced_jpeg(read.pixels, display_size_hw(read.size_hw))))
    assert shown.size == (2560, 2560)


# orientation


def exif(orientation: object) -> Image.Exif:
    values = Image.Exif()
    values[ORIENTATION] = orientation
    return values


UPRIGHT = {  # how the upright pixels are made from the file's, by EXIF's own definition of where row and column 0 are
    1: lambda stored: stored,
    2: lambda stored: np.fliplr(stored),
    3: lambda stored: np.rot90(stored, 2),
    4: lambda stored: np.flipud(stored),
    5: lambda stored: stored.swapaxes(0, 1),
    6: lambda stored: np.rot90(stored, -1),
    7: lambda stored: np.rot90(stored, 2).swapaxes(0, 1),
    8: lambda stored: np.rot90(stored, 1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_exif_orientation_comes_out_upright(file_format: str, orientation: int) -> None:
    options = {"JPEG": {"quality": 95, "subsampling": 0}, "WEBP": {"lossless": True}}.get(file_format, {})
    stored = picture()
    read = read_image(encoded(Image.fromarray(stored), file_format, exif=exif(orientation), **options))
    assert read.exif_orientation == orientation
    difference = np.abs(read.pixels.astype(int) - UPRIGHT[orientation](stored))
    assert difference.max() <= (8 if file_format == "JPEG" else 0)
    again = np.abs(stored_again(read).astype(int) - read.pixels)
    assert again.max() <= (8 if file_format == "JPEG" else 0)


@pytest.mark.parametrize(
    ("orientation", "corner"),
    [(1, "tl"), (2, "tr"), (3, "br"), (4, "bl"), (5, "tl"), (6, "tr"), (7, "br"), (8, "bl")],
)
def test_the_files_first_pixel_lands_in_the_corner_that_exif_names(orientation: int, corner: str) -> None:
    stored = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    stored[:3, :3] = 255
    pixels = read_image(encoded(Image.fromarray(stored), "PNG", exif=exif(orientation))).pixels
    rows = slice(0, 3) if corner[0] == "t" else slice(-3, None)
    columns = slice(0, 3) if corner[1] == "l" else slice(-3, None)
    assert pixels.shape[:2] == ((WIDTH, HEIGHT) if orientation >= 5 else (HEIGHT, WIDTH))
    assert pixels[rows, columns].min() == 255
    assert (pixels == 255).sum() == 27


def test_a_compressed_tiff_is_turned_once() -> None:
    stored = picture()
    data = encoded(Image.fromarray(stored), "TIFF", compression="tiff_lzw", exif=exif(6))
    np.testing.assert_array_equal(read_image(data).pixels, np.rot90(stored, -1))


@pytest.mark.parametrize("nonsense", [0, 9, 65535])
def test_an_orientation_that_is_none_counts_as_upright_and_is_not_kept(nonsense: int) -> None:
    read = read_image(encoded(Image.fromarray(picture()), "JPEG", exif=exif(nonsense)))
    assert read.exif_orientation == 1
    assert read.kept is None


def test_a_broken_exif_block_is_no_reason_to_refuse_good_pixels() -> None:
    plain = encoded(Image.fromarray(picture()), "JPEG")
    broken = b"Exif\0\0MM\0*" + b"\xff" * 20
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(broken) + 2) + broken + plain[2:]
    np.testing.assert_array_equal(read_image(data).pixels, read_image(plain).pixels)


# colours


def test_transparency_is_laid_over_white() -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[..., 0] = 200
    rgba[..., 3] = [[0, 255], [128, 51]]
    read = read_image(encoded(Image.fromarray(rgba), "PNG"))
    expected = [[[255, 255, 255], [200, 0, 0]], [[227, 127, 127], [244, 204, 204]]]
    np.testing.assert_array_equal(read.pixels, expected)
    assert read.note == "transparent parts are white"
    np.testing.assert_array_equal(stored_again(read), expected)


def test_opaque_rgba_is_its_rgb_without_a_word() -> None:
    pixels = picture()
    read = read_image(encoded(Image.fromarray(pixels).convert("RGBA"), "PNG"))
    np.testing.assert_array_equal(read.pixels, pixels)
    assert read.note == ""
    assert read.kept is None


def test_grey_with_alpha_and_grey_with_one_transparent_level() -> None:
    la = np.array([[[10, 255], [10, 0]]], np.uint8)
    np.testing.assert_array_equal(read_image(encoded(Image.fromarray(la, "LA"), "PNG")).pixels, [[[10] * 3, [255] * 3]])
    grey = Image.fromarray(np.array([[7, 8]], np.uint8))
    read = read_image(encoded(grey, "PNG", transparency=7))
    np.testing.assert_array_equal(read.pixels, [[[255] * 3, [8] * 3]])
    assert read.kept is None


def test_a_palette_with_and_without_transparency() -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    image.putdata([0, 1, 2])
    np.testing.assert_array_equal(read_image(encoded(image, "PNG")).pixels, [[[255, 0, 0], [0, 255, 0], [0, 0, 255]]])
    transparent = read_image(encoded(image, "PNG", transparency=1)).pixels
    np.testing.assert_array_equal(transparent, [[[255, 0, 0], [255, 255, 255], [0, 0, 255]]])
    half = read_image(encoded(image, "PNG", transparency=bytes([255, 0, 127]))).pixels
    np.testing.assert_array_equal(half, [[[255, 0, 0], [255, 255, 255], [128, 128, 255]]])


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF"])
def test_one_bit_pictures_are_black_and_white(file_format: str) -> None:
    bits = np.random.default_rng(1).random((9, 17)) > 0.5
    read = read_image(encoded(Image.fromarray(bits), file_format))
    np.testing.assert_array_equal(read.pixels, np.repeat(bits[..., None] * 255, 3, axis=2))


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
@pytest.mark.parametrize(("greatest", "shift"), [(65535, 8), (4096, 8), (4095, 4), (256, 4), (255, 0), (0, 0)])
def test_16_bit_grey_drops_the_low_bits_that_it_can_spare(file_format: str, greatest: int, shift: int) -> None:
    deep = np.linspace(0, greatest, 50).round().astype(np.uint16).reshape(5, 10)
    read = read_image(encoded(Image.fromarray(deep), file_format))
    np.testing.assert_array_equal(read.pixels, np.repeat((deep >> shift)[..., None], 3, axis=2))
    assert f"{8 + shift} bits are used" in read.note
    np.testing.assert_array_equal(stored_again(read), read.pixels)


def test_big_endian_16_bit_grey_is_the_same_picture() -> None:
    deep = np.arange(0, 65536, 1000, dtype=np.uint16)[None]
    image = Image.frombytes("I;16B", deep.shape[::-1], deep.astype(">u2").tobytes())
    np.testing.assert_array_equal(read_image(encoded(image, "TIFF")).pixels[..., 0], deep >> 8)


def test_a_tiff_whose_zero_is_white_is_not_shown_as_its_negative() -> None:
    deep = np.arange(0, 65536, 1000, dtype=np.uint16)[None]
    data = with_tiff_tag(encoded(Image.fromarray(deep), "TIFF"), 262, 1, 0)
    np.testing.assert_array_equal(read_image(data).pixels[..., 0], 255 - (deep >> 8))


def test_16_bit_rgb_png_keeps_its_high_bytes_and_not_its_file() -> None:
    deep = np.array([[[0x1234, 0xFF00, 0x00FF]]], ">u2")

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, 2, 0, 0, 0))
    data += chunk(b"IDAT", zlib.compress(b"\0" + deep.tobytes())) + chunk(b"IEND", b"")
    read = read_image(data)
    np.testing.assert_array_equal(read.pixels, [[[0x12, 0xFF, 0x00]]])
    assert read.kept is None


def test_floats_and_32_bit_integers_are_stretched_over_their_own_range() -> None:
    values = np.array([[-1.0, 0.0, 1.0, np.nan, np.inf, -np.inf]], np.float32)
    read = read_image(encoded(Image.fromarray(values), "TIFF"))
    np.testing.assert_array_equal(read.pixels[0, :, 0], [0, 128, 255, 0, 255, 0])
    assert "from -1 to 1" in read.note
    integers = read_image(encoded(Image.fromarray(np.array([[-70000, 0, 70000]], np.int32)), "TIFF"))
    np.testing.assert_array_equal(integers.pixels[0, :, 0], [0, 128, 255])


@pytest.mark.parametrize("value", [0.0, 7.5, np.nan])
def test_a_float_picture_of_one_value_is_black(value: float) -> None:
    read = read_image(encoded(Image.fromarray(np.full((3, 4), value, np.float32)), "TIFF"))
    assert read.pixels.shape == (3, 4, 3)
    assert read.pixels.max() == 0


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_is_told_from_its_inverse(file_format: str) -> None:
    ink = Image.new("CMYK", (16, 16), (0, 255, 255, 0))  # magenta and yellow: red
    read = read_image(encoded(ink, file_format))
    assert read.pixels.reshape(-1, 3).mean(0) == pytest.approx([255, 0, 0], abs=3)
    assert read.kept is None


def test_lab_becomes_rgb() -> None:
    red = Image.new("RGB", (4, 4), (255, 0, 0))
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    read = read_image(encoded(to_lab.apply(red), "TIFF"))
    assert read.pixels.reshape(-1, 3).mean(0) == pytest.approx([255, 0, 0], abs=6)


def test_a_large_picture_is_converted_whole_though_in_bands() -> None:
    pixels = picture(size_hw=(2100, 2000))
    read = read_image(encoded(Image.fromarray(pixels), "BMP"))
    np.testing.assert_array_equal(read.pixels, pixels)
    turned = read_image(encoded(Image.fromarray(pixels), "PNG", compress_level=1, exif=exif(6)))
    np.testing.assert_array_equal(turned.pixels, np.rot90(pixels, -1))


# colour profiles


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_an_srgb_profile_changes_nothing_and_the_file_is_kept() -> None:
    data = encoded(Image.fromarray(picture()), "PNG", icc_profile=srgb_profile())
    read = read_image(data)
    np.testing.assert_array_equal(read.pixels, picture())
    assert read.kept == data


def test_a_wider_profile_is_converted_and_the_result_stored_without_one() -> None:
    rocket = sample_paths()[-1]  # a photograph in Adobe RGB
    read = read_image(rocket)
    with Image.open(rocket) as image:
        plain = np.asarray(image)
        profile = ImageCms.getOpenProfile(io.BytesIO(image.info["icc_profile"]))
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), "RGB", "RGB")
        expected = np.asarray(transform.apply(image))
    np.testing.assert_array_equal(read.pixels, expected)
    assert np.abs(read.pixels.astype(int) - plain).max() > 20
    data, extension = encode_for_store(read)
    assert extension == "jpg"
    assert "icc_profile" not in Image.open(io.BytesIO(data)).info
    assert np.abs(stored_again(read).astype(int) - read.pixels).mean() < 1


def test_a_damaged_profile_is_left_out_with_a_word() -> None:
    read = read_image(encoded(Image.fromarray(picture()), "PNG", icc_profile=b"nonsense" * 20))
    np.testing.assert_array_equal(read.pixels, picture())
    assert read.note == "its colour profile is damaged and was left out"
    assert read.kept is None


def test_a_profile_for_other_pixels_is_passed_over() -> None:
    grey = Image.fromarray(picture()).convert("L")
    read = read_image(encoded(grey, "PNG", icc_profile=srgb_profile()))
    np.testing.assert_array_equal(read.pixels[..., 1], np.asarray(grey))


# several pictures in one file


def test_a_tiff_of_several_pages_is_refused() -> None:
    page = Image.fromarray(picture())
    for count in (2, 500):
        with pytest.raises(ImageError, match=r"more than one page.*Save each page as a file of its own"):
            read_image(encoded(page, "TIFF", save_all=True, append_images=[page] * (count - 1)))


def test_a_tiff_whose_other_pages_are_smaller_copies_is_its_first_page() -> None:
    whole = Image.fromarray(picture())
    overview = whole.resize((20, 12))
    overview.encoderinfo = {"tiffinfo": {254: 1}}
    data = encoded(whole, "TIFF", save_all=True, append_images=[overview])
    np.testing.assert_array_equal(read_image(data).pixels, picture())


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken_and_that_is_said(file_format: str) -> None:
    frames = [Image.fromarray(picture(seed)) for seed in range(3)]
    options = {"lossless": True} if file_format == "WEBP" else {}
    read = read_image(encoded(frames[0], file_format, save_all=True, append_images=frames[1:], **options))
    np.testing.assert_array_equal(read.pixels, picture(0))
    assert read.note == "the first of 3 pictures in the file"
    assert read.kept is None
    np.testing.assert_array_equal(stored_again(read), picture(0))


def test_of_a_stereo_photograph_the_first_picture_is_taken() -> None:
    frames = [Image.fromarray(picture(seed)) for seed in range(2)]
    read = read_image(encoded(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert read.format == "JPEG"
    assert read.note == "the first of 2 pictures in the file"
    assert encode_for_store(read)[1] == "jpg"


# what is kept


@pytest.mark.parametrize(
    ("file_format", "mode", "options"),
    [
        ("JPEG", "RGB", {}),
        ("JPEG", "L", {}),
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "RGB", {"exif": exif(1)}),
        ("PNG", "RGB", {}),
        ("PNG", "L", {}),
        ("PNG", "RGB", {"exif": exif(1)}),
    ],
)
def test_a_plain_file_is_kept_byte_for_byte(file_format: str, mode: str, options: dict) -> None:
    data = encoded(Image.fromarray(picture()).convert(mode), file_format, **options)
    assert encode_for_store(read_image(data)) == (data, {"JPEG": "jpg", "PNG": "png"}[file_format])


def test_what_is_written_anew_has_no_metadata() -> None:
    values = exif(6)
    values.get_ifd(0x8825)[2] = (52.0, 31.0, 0.0)  # a position
    values[0x010E] = "at home"
    for file_format in ("JPEG", "WEBP", "TIFF"):
        data, extension = encode_for_store(read_image(encoded(Image.fromarray(picture()), file_format, exif=values)))
        assert not Image.open(io.BytesIO(data)).getexif()
        assert b"at home" not in data
        if extension == "png":
            assert set(png_chunks(data)) == {b"IHDR", b"IDAT", b"IEND"}


def test_a_file_with_something_behind_its_end_is_written_anew() -> None:
    for file_format in ("JPEG", "PNG"):
        data = encoded(Image.fromarray(picture()), file_format) + b"<script>alert(1)</script>"
        stored, _ = encode_for_store(read_image(data))
        assert b"script" not in stored


def test_a_text_bomb_in_a_png_is_refused() -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "x" * 10_000_000, zip=True)
    with pytest.raises(ImageError):
        read_image(encoded(Image.fromarray(picture()), "PNG", pnginfo=info))


# reduced pictures


@given(st.tuples(st.integers(1, 10**8), st.integers(1, 10**8)), st.integers(1, 5000))
def test_the_size_shown_fits_keeps_its_shape_and_never_grows(size_hw: tuple[int, int], longest: int) -> None:
    height, width = display_size_hw(size_hw, longest=longest)
    assert 1 <= height <= size_hw[0]
    assert 1 <= width <= size_hw[1]
    assert max(height, width) == min(longest, max(size_hw))
    scale = max(height, width) / max(size_hw)
    assert abs(height - size_hw[0] * scale) <= 1
    assert abs(width - size_hw[1] * scale) <= 1


def test_a_reduced_jpeg_shows_the_same_picture_smaller() -> None:
    pixels = picture(size_hw=(300, 500))
    shown = Image.open(io.BytesIO(reduced_jpeg(pixels, (150, 250), 95)))
    assert shown.size == (250, 150)
    expected = np.asarray(Image.fromarray(pixels).resize((250, 150), Image.Resampling.BOX))
    assert np.abs(np.asarray(shown).astype(int) - expected).mean() < 2


@pytest.mark.parametrize("size_hw", [(1, 1), (1, 5000), (5000, 1), (300, 500)])
def test_a_thumbnail_of_any_shape_fits(size_hw: tuple[int, int]) -> None:
    shown = Image.open(io.BytesIO(thumbnail_jpeg(picture(size_hw=size_hw))))
    assert max(shown.size) == min(160, max(size_hw))
    assert shown.format == "JPEG"
