"""Which audio tokens a frame has: followed by numbering them, against the rules written out one by one."""

import pytest
import torch
from keyvid_pack.errors import AudioError, SelectionError
from keyvid_pack.models.encoders.audio_tokens import (
    interpolation_audio_tokens,
    keyframe_audio_tokens,
    segment_columns,
    split_per_frame,
)

ALL_FRAMES = torch.arange(48)[None]


def numbered(n_tokens=577, batch=1):
    """Tokens whose single channel is their own number, plus 1000 for every further clip."""
    number = torch.arange(n_tokens, dtype=torch.float64)
    return number[None, :, None] + 1000 * torch.arange(batch)[:, None, None]


def flat_row():
    """The numbers of the 624 tokens in the order of the 48 segments: CLS, then one column from top to bottom."""
    return [number for f in range(48) for number in (0, *(1 + row * 48 + f for row in range(12)))]


def test_a_segment_is_the_whole_and_its_columns_row_by_row():
    segments = split_per_frame(numbered(1 + 3 * 4), 2, n_rows=3)
    assert segments[0, :, :, 0].tolist() == [
        [0, 1, 2, 5, 6, 9, 10],
        [0, 3, 4, 7, 8, 11, 12],
    ]


@pytest.mark.parametrize(
    ("n_columns", "n_segments", "expected"),
    [
        (6, 3, [[0, 1], [2, 3], [4, 5]]),
        (5, 3, [[0, 1], [2, 3], [3, 4]]),  # the middle starts at 1.5: halves go to the even column
        (7, 3, [[0, 1, 2], [2, 3, 4], [4, 5, 6]]),
        (2, 4, [[0], [0], [1], [1]]),
        (5, 1, [[0, 1, 2, 3, 4]]),
    ],
)
def test_columns_are_spread_evenly(n_columns, n_segments, expected):
    assert segment_columns(n_columns, n_segments).tolist() == expected


def test_48_segments_of_13_tokens():
    segments = split_per_frame(numbered())
    assert segments.shape == (1, 48, 13, 1)
    assert segments.flatten().tolist() == flat_row()


def test_every_keyframe_hears_twelve_of_the_row():
    tokens_of_frames = keyframe_audio_tokens(numbered(), ALL_FRAMES)
    assert tokens_of_frames.shape == (1, 48, 12, 1)
    row = flat_row()
    assert tokens_of_frames[0, :, :, 0].tolist() == [row[12 * i : 12 * i + 12] for i in range(48)]


def test_keyframes_fall_behind_by_a_thirteenth_of_a_frame_each():
    tokens_of_frames = keyframe_audio_tokens(numbered(), ALL_FRAMES)[0, :, :, 0]
    first = tokens_of_frames[0].tolist()
    assert first == [
        0,
        *(1 + row * 48 for row in range(11)),
    ]  # frame 0: its own segment, less one row
    columns = {(int(number) - 1) % 48 for number in tokens_of_frames[47] if number > 0}
    assert columns == {43, 44}


def test_in_betweens_are_blends_of_two_neighbouring_groups():
    tokens_of_frames = interpolation_audio_tokens(numbered())
    assert tokens_of_frames.shape == (1, 48, 12, 1)
    groups = torch.tensor(flat_row()).view(52, 12).double()
    for i in range(48):
        place = (i + 0.5) * 52 / 48 - 0.5
        low, part = int(place), place - int(place)
        expected = (1 - part) * groups[low] + part * groups[min(low + 1, 51)]
        torch.testing.assert_close(tokens_of_frames[0, i, :, 0].double(), expected)


def test_other_sizes_are_cut_by_the_same_rules():
    tokens = numbered(1 + 5 * 9)  # 5 rows of 9 columns
    tokens_of_frames = keyframe_audio_tokens(
        tokens, torch.tensor([[0, 2]]), n_segments=3, n_queries=4, n_rows=5
    )
    row = split_per_frame(tokens, 3, n_rows=5).flatten().tolist()  # 3 segments of 16 tokens
    assert tokens_of_frames[0, :, :, 0].tolist() == [row[0:4], row[8:12]]
    blended = interpolation_audio_tokens(tokens, n_segments=3, n_queries=4, n_rows=5)
    assert blended.shape == (1, 3, 4, 1)


def test_batches():
    frames = torch.tensor([[0, 5, 47], [1, 2, 3]])
    tokens_of_frames = keyframe_audio_tokens(numbered(batch=2), frames)
    for i in range(2):
        alone = keyframe_audio_tokens(numbered(batch=2)[i : i + 1], frames[i : i + 1])
        assert torch.equal(tokens_of_frames[i : i + 1], alone)
    one_clip = keyframe_audio_tokens(numbered(), frames)
    assert torch.equal(one_clip[0], tokens_of_frames[0]) and torch.equal(
        one_clip[1], tokens_of_frames[1] - 1000
    )
    assert keyframe_audio_tokens(numbered(batch=2), frames[:1]).shape == (2, 3, 12, 1)
    assert interpolation_audio_tokens(numbered(batch=2)).shape == (2, 48, 12, 1)


def test_no_audio_stays_no_audio():
    assert keyframe_audio_tokens(None, ALL_FRAMES) is None
    assert interpolation_audio_tokens(None) is None


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_dtype_is_kept_and_gradients_flow(dtype):
    tokens = torch.ones(1, 577, 3, dtype=dtype, requires_grad=True)
    tokens_of_frames = keyframe_audio_tokens(tokens, ALL_FRAMES), interpolation_audio_tokens(tokens)
    assert all(t.dtype == dtype and torch.isfinite(t).all() for t in tokens_of_frames)
    for t in tokens_of_frames:
        (gradient,) = torch.autograd.grad(t.sum(), tokens)
        assert (gradient != 0).any() and torch.isfinite(gradient).all()


@pytest.mark.parametrize("shape", [(577, 3), (1, 578, 3), (1, 1, 3), (1, 12, 3)])
def test_tokens_that_are_no_grid_are_named(shape):
    with pytest.raises(AudioError, match="1 \\+ 12 x columns"):
        split_per_frame(torch.zeros(shape))


def test_groups_that_do_not_come_out_even_are_named():
    with pytest.raises(AudioError, match="cannot be read in groups of 7"):
        keyframe_audio_tokens(numbered(), ALL_FRAMES, n_queries=7)
    with pytest.raises(AudioError, match="groups of 0"):
        interpolation_audio_tokens(numbered(), n_queries=0)
    with pytest.raises(AudioError, match="0 segments"):
        split_per_frame(numbered(), 0)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([[0, 48]], "Keyframe 48"),
        ([[-1, 0]], "Keyframe -1"),
        ([0, 1], "shape"),
        ([[0], [1], [2]], "shape"),
    ],
)
def test_frames_outside_the_clip_are_named(frames, words):
    tokens = numbered(batch=2)
    with pytest.raises(SelectionError, match=words):
        keyframe_audio_tokens(tokens, torch.tensor(frames))
