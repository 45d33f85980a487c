"""The timing strip: what is drawn lies where and looks as it should."""

import itertools
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from keyvid_pack.errors import CurveError, KeyVIDError
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.preview import style
from keyvid_pack.preview.strip import draw_playhead, draw_strip, frame_x, waveform_columns
from keyvid_pack.tools.environment import ROOT

WIDTH, HEIGHT, N_FRAMES, FPS = 640, 112, 40, 20.0
SIZE = {"width": WIDTH, "height": HEIGHT, "n_frames": N_FRAMES, "fps": FPS}


def plan_of(*keyframes):
    keyframes = [(*k, False)[:3] for k in keyframes]
    return SimpleNamespace(
        keyframes=[SimpleNamespace(frame=f, kind=k, locked=bool(x)) for f, k, x in keyframes]
    )


def is_colour(image, colour, tolerance=12):
    return (np.abs(image.astype(int) - np.array(colour)) <= tolerance).all(axis=-1)


def x_of(frame, n_frames=N_FRAMES):
    return frame_x(frame, n_frames=n_frames, width=WIDTH)


def marker(strip, frame):
    """The marker lane's pixels around a frame."""
    x = round(x_of(frame))
    return strip[1:22, x - 11 : x + 11]


def test_frames_lie_evenly_between_equal_margins():
    assert x_of(0) == pytest.approx(WIDTH - x_of(N_FRAMES))
    steps = np.diff([x_of(frame) for frame in range(N_FRAMES + 1)])
    assert np.allclose(steps, steps[0]) and steps[0] > 0
    assert waveform_columns(WIDTH) == pytest.approx(x_of(N_FRAMES) - x_of(0), abs=1)


@pytest.mark.parametrize("size", [(64, 24), (200, 40), (640, 112), (1023, 301)])
def test_strip_has_the_size_asked_for(size):
    curve = motion_curve(np.linspace(0, 1, N_FRAMES), fps=FPS, source="test")
    strip = draw_strip(
        width=size[0],
        height=size[1],
        n_frames=N_FRAMES,
        fps=FPS,
        waveform=np.array([[-0.5, 0.5]] * 7),
        curve=curve,
        plan=plan_of((0, "first"), (39, "peak")),
    )
    assert strip.shape == (size[1], size[0], 3) and strip.dtype == np.uint8


@pytest.mark.parametrize("kind", style.KIND_COLOURS)
def test_marker_has_its_colour_on_its_frame_and_nowhere_else(kind):
    empty = draw_strip(**SIZE, plan=plan_of())
    strip = draw_strip(**SIZE, plan=plan_of((13, kind)))
    coloured = is_colour(strip, style.KIND_COLOURS[kind]) & ~(strip == empty).all(axis=-1)
    columns = np.flatnonzero(coloured.any(axis=0))
    assert columns.size and (columns[0] + columns[-1] + 1) / 2 == pytest.approx(x_of(13), abs=1.5)
    assert columns[-1] - columns[0] < 20


def test_every_kind_has_a_shape_of_its_own():
    shapes = {}
    for kind, colour in style.KIND_COLOURS.items():
        lane = marker(draw_strip(**SIZE, plan=plan_of((20, kind))), 20)
        shapes[kind] = is_colour(lane, colour, 60)
    assert min(shape.sum() for shape in shapes.values()) > 40
    for a, b in itertools.combinations(shapes, 2):
        differing = (shapes[a] ^ shapes[b]).sum()
        assert differing > 0.1 * max(shapes[a].sum(), shapes[b].sum()), (a, b)


def test_locked_keyframe_wears_a_ring():
    colour = style.KIND_COLOURS["peak"]
    edges = {}
    for locked in (False, True):
        lane = marker(draw_strip(**SIZE, plan=plan_of((20, "peak", locked))), 20)
        middle_row = is_colour(lane, colour, 120)[10].astype(int)
        edges[locked] = np.abs(np.diff(middle_row)).sum()
    assert edges == {False: 2, True: 6}  # in and out of the shape; in and out of ring, shape, ring


def test_curve_is_as_high_as_its_score():
    score = np.zeros(N_FRAMES)
    score[5:15], score[25:35] = 0.5, 1.0
    strip = draw_strip(**SIZE, curve=motion_curve(score, fps=FPS, source="test"))
    distance = np.abs(strip.astype(int) - np.array(style.CURVE)).sum(axis=-1)

    def height(frame):
        column = distance[:, round(x_of(frame))]
        assert column.min() < 120
        return column.argmin()

    assert height(2) > height(10) > height(30)
    assert height(10) == pytest.approx((height(2) + height(30)) / 2, abs=2)


def test_waveform_shows_where_the_sound_is():
    waveform = np.zeros((100, 2))
    waveform[40:60] = (-0.01, 0.01)  # quiet as it is, it fills the strip
    strip = draw_strip(**SIZE, waveform=waveform)
    drawn = is_colour(strip, style.WAVEFORM, 6).sum(axis=0)
    assert drawn[round(x_of(20))] > 0.6 * HEIGHT
    assert drawn[round(x_of(10))] < 6 and drawn[round(x_of(30))] < 6
    half = draw_strip(**SIZE, waveform=waveform, waveform_peak=0.02)
    assert is_colour(half, style.WAVEFORM, 6).sum(axis=0)[round(x_of(20))] == pytest.approx(
        drawn[round(x_of(20))] / 2, abs=3
    )


def test_silence_is_a_flat_line():
    with np.errstate(all="raise"):
        strip = draw_strip(**SIZE, waveform=np.zeros((50, 2)))
    assert is_colour(strip, style.WAVEFORM, 6).sum(axis=0).max() < 6


def test_window_shows_its_own_frames():
    keyframes = [(0, "first"), (22, "peak"), (30, "valley"), (39, "manual")]
    curve = motion_curve(np.linspace(0, 1, N_FRAMES), fps=FPS, source="test")
    strip = draw_strip(
        width=WIDTH, height=HEIGHT, n_frames=20, fps=FPS, curve=curve,
        plan=plan_of(*keyframes), first_frame=20,
    )  # fmt: skip
    for frame, kind in keyframes[1:]:
        x = round(frame_x(frame - 20, n_frames=20, width=WIDTH))
        assert is_colour(strip[1:22, x - 4 : x + 4], style.KIND_COLOURS[kind]).sum() > 15
    assert not is_colour(strip[1:22], style.KIND_COLOURS["first"]).any()


@pytest.mark.parametrize("n_frames, fps", [(2, 24.0), (48, 23.976), (241, 29.97), (86_400, 24.0)])
def test_ruler_has_labels_at_any_length(n_frames, fps):
    strip = draw_strip(width=640, height=112, n_frames=n_frames, fps=fps)
    ruler = is_colour(strip[-17:], style.TEXT, 60)
    assert ruler[:, :320].any(), "no frame number in the left half"


def test_playhead_stands_at_its_place_and_leaves_the_strip_alone():
    strip = draw_strip(**SIZE, plan=plan_of((0, "first"), (20, "peak")))
    before = strip.copy()
    for x in (x_of(0), 100.25, x_of(N_FRAMES - 1), WIDTH - 1.0):
        shown = draw_playhead(strip, x)
        changed = np.flatnonzero((shown != strip).any(axis=(0, 2)))
        brightest = shown[HEIGHT // 2].sum(axis=-1).argmax()
        assert abs(brightest + 0.5 - x) <= 1
        assert changed.min() >= x - 9 and changed.max() <= x + 9
    assert (strip == before).all()


def test_strip_refuses_what_it_cannot_draw():
    with pytest.raises(KeyVIDError, match="20 x 10 pixels"):
        draw_strip(width=20, height=10, n_frames=4, fps=FPS)
    short = motion_curve([0, 1, 0], fps=FPS, source="test")
    with pytest.raises(CurveError, match="3 frames"):
        draw_strip(**SIZE, curve=short)


def test_shapes_and_colours_are_those_of_the_editor():
    def in_script(name, pattern):
        text = (ROOT / "js/editor/canvas" / name).read_text(encoding="utf-8")
        return dict(re.findall(pattern, text, re.MULTILINE))

    outlines = in_script("shapes.mjs", r"^  (\w+): (\[\[.*\]\]),$")
    assert {k: json.loads(v) for k, v in outlines.items()} == {
        kind: [list(corner) for corner in corners] for kind, corners in style.OUTLINES.items()
    }
    dark = in_script("theme.mjs", r"^  (dark): \{(.*)\},$")["dark"]
    hues = {name: tuple(bytes.fromhex(h)) for name, h in re.findall(r'(\w+): "#(\w{6})"', dark)}
    assert hues == {**style.KIND_COLOURS, "curve": style.CURVE}
