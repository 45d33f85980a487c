"""The page of all frames: they stand in reading order, and those with a sound are marked."""

import numpy as np
import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.preview import frame_sheet
from keyvid_pack.preview.mp4 import write_mp4
from PIL import Image

FPS = 24
STRUCK = (5, 19, 33)


def colours(n):
    """n plain frames, each of a grey of its own."""
    return np.stack([np.full((24, 32, 3), 40 + 2 * i, np.uint8) for i in range(n)])


def struck_sound(sample_rate=16_000):
    """Two seconds with a click on each frame of STRUCK."""
    rng = np.random.default_rng(0)
    samples = np.zeros((1, 2 * sample_rate), np.float32)
    for frame in STRUCK:
        start = round(frame / FPS * sample_rate)
        click = rng.standard_normal(2000) * np.exp(-np.arange(2000) / 300)
        samples[0, start : start + 2000] += 0.3 * click
    return samples


def cell_of(page, frame):
    """(what is in the middle of a frame's image, what is on its edge's outside)."""
    x = frame_sheet.GAP + frame % frame_sheet.COLUMNS * (frame_sheet.CELL_WIDTH + frame_sheet.GAP)
    height = frame_sheet.CELL_WIDTH * 24 // 32
    y = frame_sheet.GAP + frame // frame_sheet.COLUMNS * (height + 20 + frame_sheet.GAP)
    return page[y + height // 2, x + frame_sheet.CELL_WIDTH // 2], page[y + height // 2, x - 2]


def test_frames_stand_in_reading_order_and_the_heard_ones_are_framed():
    frames = colours(20)
    page = frame_sheet.draw_frame_sheet(frames, fps=FPS, onsets=[3, 11])
    for frame in range(20):
        middle, beside = cell_of(page, frame)
        assert (middle == frames[frame, 0, 0]).all(), frame
        assert (tuple(beside) == frame_sheet.HEARD) == (frame in (3, 11)), frame


def test_true_frames_stand_below_those_that_were_made():
    frames, truth = colours(20), colours(20)[::-1]
    page = frame_sheet.draw_frame_sheet(frames, fps=FPS, onsets=[3], truth=truth)
    height = frame_sheet.CELL_WIDTH * 24 // 32
    step = 2 * height + frame_sheet.APART + 20 + frame_sheet.GAP
    for frame in range(20):
        row, column = divmod(frame, frame_sheet.COLUMNS)
        x = frame_sheet.GAP + column * (frame_sheet.CELL_WIDTH + frame_sheet.GAP)
        y = frame_sheet.GAP + row * step + height // 2
        middle = x + frame_sheet.CELL_WIDTH // 2
        below = y + height + frame_sheet.APART
        assert (page[y, middle] == frames[frame, 0, 0]).all(), frame
        assert (page[below, middle] == truth[frame, 0, 0]).all(), frame
        for place in (y, below):  # the frame of a heard one is around both
            assert (tuple(page[place, x - 2]) == frame_sheet.HEARD) == (frame == 3), frame
    assert len(page) == frame_sheet.GAP + 3 * step


def test_a_true_video_of_another_length_is_refused():
    with pytest.raises(KeyVIDError, match="20 frames and the true one 19"):
        frame_sheet.draw_frame_sheet(colours(20), fps=FPS, truth=colours(19))


@pytest.mark.parametrize("n", [0, frame_sheet.MAX_FRAMES + 1])
def test_a_page_has_room_for_so_many(n):
    with pytest.raises(KeyVIDError, match=f"{n} frames"):
        frame_sheet.draw_frame_sheet(colours(60)[[0] * n], fps=FPS)


def test_a_videos_sound_says_which_frames_are_marked(tmp_path):
    path = tmp_path / "clip.mp4"
    write_mp4(
        path,
        colours(48),
        width=32,
        height=24,
        n_frames=48,
        fps=FPS,
        samples=struck_sound(),
        sample_rate=16_000,
    )
    written = frame_sheet.write_frame_sheet(path)
    assert written == tmp_path / "clip.png"
    page = np.asarray(Image.open(written))
    marked = [f for f in range(48) if tuple(cell_of(page, f)[1]) == frame_sheet.HEARD]
    assert len(marked) == 3
    assert all(abs(found - frame) <= 1 for found, frame in zip(marked, STRUCK, strict=True))
