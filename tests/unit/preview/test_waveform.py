"""The outline of a sound."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keyvid_pack.errors import AudioError
from keyvid_pack.preview.waveform import waveform_extremes


@given(n_samples=st.integers(1, 60), n_columns=st.integers(1, 80), seed=st.integers(0, 99))
def test_each_column_shows_the_extremes_of_its_stretch(n_samples, n_columns, seed):
    samples = np.random.default_rng(seed).standard_normal((2, n_samples)).astype(np.float32)
    found = waveform_extremes(samples, n_columns)
    assert found.shape == (n_columns, 2)
    for column in range(n_columns):
        start = column * n_samples // n_columns
        stop = max(start + 1, (column + 1) * n_samples // n_columns)
        stretch = samples[:, start:stop]
        assert found[column].tolist() == [stretch.min(), stretch.max()]


def test_channels_that_cancel_are_drawn_all_the_same():
    wave = np.sin(np.arange(1000))[None]
    drawn = waveform_extremes(np.concatenate([wave, -wave]), 10)
    assert (drawn[:, 0] < -0.9).all() and (drawn[:, 1] > 0.9).all()


def test_nothing_can_be_drawn_of_nothing():
    with pytest.raises(AudioError, match=r"shape \(1, 0\)"):
        waveform_extremes(np.zeros((1, 0)), 10)
    with pytest.raises(ValueError, match="0 columns"):
        waveform_extremes(np.zeros((1, 10)), 0)
