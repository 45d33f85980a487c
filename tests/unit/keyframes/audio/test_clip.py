import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.errors import AudioError
from keyvid_pack.keyframes.audio.clip import cut_clip
from keyvid_pack.keyframes.timebase import n_samples_at

RATE = 16_000
SECOND = np.arange(3 * RATE, dtype=np.float32)[None, :]  # (1, 48000): each sample is its own index


def test_cut_starts_and_ends_on_the_sample():
    clip, n_frames = cut_clip(SECOND, RATE, start_s=0.5, n_frames=48, fps=24)
    assert n_frames == 48
    assert clip[0, 0] == 8000
    assert clip.shape == (1, 2 * RATE)


def test_zero_frames_takes_every_whole_frame():
    clip, n_frames = cut_clip(SECOND[:, : 2 * RATE + 100], RATE, start_s=0, n_frames=0, fps=24)
    assert n_frames == 48
    assert clip.shape == (1, 2 * RATE)


@given(
    fps=st.sampled_from([6, 12, 23.976, 24, 25, 29.97, 30, 60]),
    rate=st.sampled_from([8000, 22050, 44100, 48000]),
    n_samples=st.integers(72_000, 90_000),
    start_s=st.floats(0, 1),
)
def test_all_frames_fit_and_one_more_does_not(fps, rate, n_samples, start_s):
    samples = np.zeros((1, n_samples), dtype=np.float32)
    clip, n_frames = cut_clip(samples, rate, start_s=start_s, n_frames=0, fps=fps)
    assert clip.shape[1] == n_samples_at(n_frames, fps=fps, sample_rate=rate)
    with pytest.raises(AudioError):
        cut_clip(samples, rate, start_s=start_s, n_frames=n_frames + 1, fps=fps)


@pytest.mark.parametrize(
    ("start_s", "n_frames", "words"),
    [
        (0, 73, ["73 frames", "3.00 s", "72 or less"]),
        (2.5, 48, ["4.50 s", "12 or less"]),
        (3, 48, ["starts at 3 s", "3.00 s long"]),
        (2.99, 0, ["0.010 s of sound"]),
        (0, 1, ["1 frames", "0 for all"]),
        (0, -3, ["-3 frames"]),
        (0, 10**9, ["1000000000 frames"]),
        (0, [0, 5], ["[0, 5] frames"]),
        (-1, 48, ["-1 s", "0 or more"]),
        (-1, 0, ["-1 s", "0 or more"]),
        (float("nan"), 48, ["nan s"]),
        (float("inf"), 48, ["inf s"]),
        ([0.0, 1.0], 48, ["[0.0, 1.0] s"]),
    ],
)
def test_a_clip_that_does_not_fit_names_the_numbers_and_the_remedy(start_s, n_frames, words):
    with pytest.raises(AudioError) as caught:
        cut_clip(SECOND, RATE, start_s=start_s, n_frames=n_frames, fps=24)
    for word in words:
        assert word in str(caught.value)


def test_a_sound_that_is_a_sample_short_is_not_given_two_equal_numbers():
    with pytest.raises(
        AudioError, match=r"until 2\.0000 s, but it ends at 1\.9999 s\. Set frames to 47"
    ):
        cut_clip(SECOND[:, : 2 * RATE - 1], RATE, start_s=0, n_frames=48, fps=24)
