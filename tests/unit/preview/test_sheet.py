"""The keyframe sheet: every card shows its own image and is joined to its own frame."""

import io

import numpy as np
import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.keyframes.plan import Keyframe, make_plan, plan_at_frames
from keyvid_pack.preview import style
from keyvid_pack.preview.sheet import draw_sheet, thumbnail
from keyvid_pack.preview.strip import frame_x
from PIL import Image

from ...oracles.plan_rules import lock_keyframe

FPS = 24.0


def plan_of(frames, *, n_frames=48):
    return plan_at_frames(frames, fps=FPS, n_frames=n_frames)


def flat_images(n, *, height=40, width=64):
    """Images of one colour each, no two alike, none a colour of the sheet's own."""
    levels = np.linspace(0.25, 0.95, n)
    colours = np.stack([levels, 1 - levels, np.full(n, 0.02)], axis=-1)
    return np.broadcast_to(colours[:, None, None], (n, height, width, 3))


def is_colour(sheet, colour, tolerance=2):
    return (np.abs(sheet.astype(int) - np.array(colour)) <= tolerance).all(axis=-1)


def card_box(sheet, image):
    """(left, top, right, bottom) of where a flat image is shown; it must be one full rectangle."""
    shown = is_colour(sheet, np.round(image[0, 0] * 255), tolerance=1)
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    assert rows.size, "the image is not on the sheet"
    box = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    assert shown[box[1] : box[3], box[0] : box[2]].all()
    return box


@pytest.mark.parametrize(
    "frames", [(0, 47), (0, 3, 6, 9, 12), tuple(range(0, 48, 4)), tuple(range(30))]
)
@pytest.mark.parametrize("width", [320, 1280])
def test_every_image_is_shown_once_and_none_covers_another(frames, width):
    images = flat_images(len(frames))
    sheet = draw_sheet(images, plan_of(frames), width=width)
    assert sheet.dtype == np.uint8 and sheet.shape[1:] == (width, 3)
    boxes = [card_box(sheet, image) for image in images]
    assert len({(right - left, bottom - top) for left, top, right, bottom in boxes}) == 1
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_cards_are_at_their_times_where_there_is_room():
    frames = (0, 12, 24, 36)
    images = flat_images(4)
    sheet = draw_sheet(images, plan_of(frames), width=1280)
    for frame, image in list(zip(frames, images, strict=True))[1:]:
        left, _, right, _ = card_box(sheet, image)
        assert (left + right) / 2 == pytest.approx(frame_x(frame, n_frames=48, width=1280), abs=1)


def test_crowded_cards_keep_their_order_within_the_sheet():
    frames = (0, 40, 41, 42, 43, 44, 45, 46, 47)
    images = flat_images(9)
    sheet = draw_sheet(images, plan_of(frames), width=640)
    for side in (0, 1):
        boxes = [card_box(sheet, image) for image in images[side::2]]
        lefts = [box[0] for box in boxes]
        assert lefts == sorted(lefts) and len({box[1] for box in boxes}) == 1
        assert boxes[0][0] >= 12 and boxes[-1][2] <= 640 - 12


def test_cards_stand_in_turn_above_and_below_the_strip():
    images = flat_images(4)
    sheet = draw_sheet(images, plan_of((0, 12, 24, 36)), width=640)
    tops = [card_box(sheet, image)[1] for image in images]
    assert tops[0] == tops[2] < tops[1] == tops[3]


def test_a_long_plan_goes_on_in_further_bands():
    frames = tuple(range(0, 120, 4))  # 30 keyframes: three bands of ten
    images = flat_images(30)
    sheet = draw_sheet(images, plan_of(frames, n_frames=120), width=640)
    tops = [card_box(sheet, image)[1] for image in images]
    assert len(set(tops)) == 6
    assert max(tops[:10]) < min(tops[10:20]) and max(tops[10:20]) < min(tops[20:])


@pytest.mark.parametrize("kind", ["peak", "valley", "fill", "manual"])
def test_a_card_is_edged_and_joined_in_the_colour_of_its_kind(kind):
    keyframes = [Keyframe(0, "first"), Keyframe(24, kind)]
    plan = make_plan(keyframes, fps=FPS, n_frames=48)
    images = flat_images(2)
    sheet = draw_sheet(images, plan, width=1280)
    left, top, right, _ = card_box(sheet, images[1])
    colour = style.KIND_COLOURS[kind]
    assert is_colour(sheet[top - 2, left:right], colour).all()
    x = round(frame_x(24, n_frames=48, width=1280))
    above = sheet[top - 40 : top - 3, x - 4 : x + 5]  # the line from the strip down to the card
    line = np.array(style.mix(style.BACKGROUND, colour, 0.55))
    lit = (above.astype(int) - style.BACKGROUND) @ (line - style.BACKGROUND) > 0
    assert lit.any(axis=1)[6:].all()


def test_a_lock_shows_on_the_card():
    plan, images = plan_of((0, 24)), flat_images(2)
    sheets = [draw_sheet(images, p, width=1280) for p in (plan, lock_keyframe(plan, 24))]
    left, _, _, bottom = card_box(sheets[0], images[1])
    caption = np.s_[bottom : bottom + 27, left : left + 27]
    assert (sheets[0][caption] != sheets[1][caption]).any()


def test_curve_and_sound_are_drawn_behind():
    plan, images = plan_of((0, 24)), flat_images(2)
    curve = motion_curve(np.linspace(0, 1, 48), fps=FPS, source="test")
    samples = np.sin(np.arange(32000, dtype=np.float32))[None]
    bare = draw_sheet(images, plan, width=640).astype(int)
    with_curve = draw_sheet(images, plan, width=640, curve=curve)
    with_sound = draw_sheet(images, plan, width=640, samples=samples, sample_rate=16000)
    added = (with_curve - bare)[..., 1] - (with_curve - bare)[..., 0]  # green over red
    assert (added > 30).any(axis=0).sum() > 600, "the curve is green from end to end"
    assert is_colour(with_sound, style.WAVEFORM).sum() > 10_000
    assert not is_colour(bare, style.WAVEFORM).any()


def test_each_band_has_the_sound_of_its_own_stretch():
    """Loud in the first half, silent in the second: only the first band shows a waveform."""
    frames = tuple(range(0, 48, 2))  # 24 keyframes: two bands, of a second each
    samples = np.concatenate([np.sin(np.arange(16000)), np.zeros(16000)]).astype(np.float32)[None]
    sheet = draw_sheet(
        flat_images(24), plan_of(frames), width=640, samples=samples, sample_rate=16000
    )
    loud = is_colour(sheet, style.WAVEFORM).sum(axis=1) > 100
    assert loud[: len(sheet) // 2].sum() > 10 and not loud[len(sheet) // 2 :].any()


@pytest.mark.parametrize("size", [(20, 64), (64, 20), (1, 1)])
def test_images_keep_their_proportions(size):
    height, width = size
    images = flat_images(3, height=height, width=width)
    sheet = draw_sheet(images, plan_of((0, 10, 30)), width=640)
    left, top, right, bottom = card_box(sheet, images[2])
    assert (right - left) / (bottom - top) == pytest.approx(width / height, rel=0.04)


def test_another_number_of_images_is_refused():
    with pytest.raises(KeyVIDError, match="3 images for the 2 keyframes"):
        draw_sheet(flat_images(3), plan_of((0, 24)))


def test_a_sheet_too_narrow_is_refused():
    with pytest.raises(KeyVIDError, match="319 pixels wide"):
        draw_sheet(flat_images(2), plan_of((0, 24)), width=319)


def test_a_thumbnail_is_a_small_jpeg_of_the_image():
    data = thumbnail(flat_images(1, height=320, width=512)[0])
    image = Image.open(io.BytesIO(data))
    assert image.format == "JPEG" and image.size == (192, 120)
    assert len(data) < 20_000
    shown = np.asarray(image).reshape(-1, 3).mean(axis=0)
    assert np.abs(shown - np.array([0.25, 0.75, 0.02]) * 255).max() < 4
