"""The method network: the localizer's scores of 2 s, over clips of any length."""

import numpy as np
import pytest
import safetensors.torch
import torch
from keyvid_pack.errors import AudioError, CheckpointError, KeyVIDError
from keyvid_pack.keyframes.audio.beats import beats_curve
from keyvid_pack.keyframes.audio.fingerprint import fingerprint
from keyvid_pack.keyframes.audio.onset import onset_curve
from keyvid_pack.keyframes.curve import normalise
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint
from keyvid_pack.models.checkpoint.metadata import metadata_block
from keyvid_pack.models.encoders import localizer
from keyvid_pack.models.encoders.mel import waveform_to_mel

from ...helpers import small_checkpoint

RATE = 16_000
PER_SECOND = 24  # scores of the published network


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    network = localizer.init_localizer(
        localizer.Localizer(small_checkpoint.LOCALIZER), generator=torch.Generator().manual_seed(4)
    )
    path = tmp_path_factory.mktemp("localizer") / "anything.safetensors"
    metadata = metadata_block(small_checkpoint.METADATA)
    safetensors.torch.save_file(network.state_dict(), path, metadata=metadata)
    return path


@pytest.fixture(scope="module")
def loaded(path):
    from keyvid_pack.host.loaders.localizer import load_localizer

    return load_localizer(path)


@pytest.fixture
def listen(loaded):
    """The score that the node's curve has for a sound."""
    from keyvid_pack.host.loaders.localizer import network_curve

    def score(samples, *, n_frames, fps=24.0, **options):
        return network_curve(loaded, samples, RATE, n_frames=n_frames, fps=fps, **options).score

    return score


def sound(seconds, *, seed=0):
    """Noise whose loudness changes, float32 (1, N) at 16 kHz."""
    draw = np.random.default_rng(seed)
    loudness = np.repeat(draw.uniform(0, 0.3, size=round(seconds * 10)), RATE // 10)
    return (loudness * draw.standard_normal(len(loudness)))[None].astype(np.float32)


def scores_of(path, samples):
    """What the network itself gives for 2 s, without ComfyUI."""
    network = build.build_localizer(open_checkpoint(path))
    with torch.no_grad():
        return network(waveform_to_mel(samples)[None])[0].double().numpy()


def test_a_clip_of_two_seconds_has_the_networks_own_scores(path, listen):
    samples = sound(2)
    expected = normalise(scores_of(path, samples))
    assert expected.std() > 0.1
    np.testing.assert_allclose(listen(samples, n_frames=48), expected, rtol=0, atol=1e-4)


def test_a_longer_clip_is_heard_in_windows_that_fade_into_each_other(path, listen):
    samples = sound(4.5)
    n_frames = round(4.5 * PER_SECOND)
    total, weights = np.zeros(n_frames), np.zeros(n_frames)
    for start_s in (0, 1, 2, 2.5):
        cut = samples[:, round(start_s * RATE) : round((start_s + 2) * RATE)]
        first = round(start_s * PER_SECOND)
        for i, score in enumerate(scores_of(path, cut)):
            weight = min(i + 1, 48 - i)
            total[first + i] += weight * score
            weights[first + i] += weight
    expected = normalise(total / weights)
    np.testing.assert_allclose(listen(samples, n_frames=n_frames), expected, rtol=0, atol=1e-4)


def test_other_frame_rates_read_the_same_scores_between_frames(listen):
    samples = sound(3)
    at_24 = listen(samples, n_frames=72)
    at_48 = listen(samples, n_frames=144, fps=48.0)
    assert at_48.shape == (144,)
    # normalised by the extremes of their own frames, so compared up to a line
    fit = np.polyfit(at_48[::2], at_24, 1)
    np.testing.assert_allclose(np.polyval(fit, at_48[::2]), at_24, rtol=0, atol=1e-9)
    between = (at_48[:-2:2] + at_48[2::2]) / 2
    np.testing.assert_allclose(at_48[1:-1:2], between, rtol=0, atol=1e-9)


def test_a_clip_shorter_than_a_window_has_its_first_scores(path, listen):
    samples = sound(1)
    expected = normalise(scores_of(path, samples)[:24])
    np.testing.assert_allclose(listen(samples, n_frames=24), expected, rtol=0, atol=1e-4)


def test_the_curve_knows_its_sound_and_runs_from_0_to_1(loaded):
    from keyvid_pack.host.loaders.localizer import network_curve

    samples = sound(2)
    curve = network_curve(loaded, samples, RATE, n_frames=48, fps=24.0)
    assert curve.fingerprint == fingerprint(samples, RATE, n_frames=48)
    assert (curve.source, curve.fps) == ("network", 24.0)
    assert (curve.score.min(), curve.score.max()) == (0.0, 1.0)


def test_every_window_is_reported_and_can_be_cancelled(listen):
    steps = []
    listen(sound(4), n_frames=96, on_step=lambda *step: steps.append(step))
    assert steps == [(1, 3), (2, 3), (3, 3)]

    def cancel(n_done, n_steps):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        listen(sound(4), n_frames=96, on_step=cancel)


@pytest.mark.parametrize("n_scores", [1, 47, 48, 49, 72, 73, 1000])
@pytest.mark.parametrize("window, step", [(48, 24), (46, 23)])
def test_windows_cover_the_clip_and_end_with_it(n_scores, window, step):
    from keyvid_pack.host.loaders.localizer import window_starts

    starts = window_starts(n_scores, window=window, step=step)
    assert starts[0] == 0 and starts[-1] + window == max(n_scores, window)
    assert all(
        0 < after - before <= step for before, after in zip(starts, starts[1:], strict=False)
    )


def test_the_weights_travel_in_comfyuis_hands(loaded):
    from comfy.model_patcher import ModelPatcher

    assert isinstance(loaded.patcher, ModelPatcher)
    assert loaded.patcher.model_size() > 0


def test_without_a_localizer_the_remedy_is_named():
    from keyvid_pack.host.loaders.localizer import network_curve

    with pytest.raises(KeyVIDError, match="Connect Load Localizer, or choose the method onset"):
        network_curve(None, sound(2), RATE, n_frames=48, fps=24.0)


def test_other_files_and_sounds_are_refused(tmp_path, listen):
    from keyvid_pack.host.loaders.localizer import load_localizer

    file = tmp_path / "generator.safetensors"
    tensors = small_checkpoint.filled(small_checkpoint.whole_shapes())
    metadata = metadata_block(small_checkpoint.METADATA)
    safetensors.torch.save_file(tensors, file, metadata=metadata)
    with pytest.raises(CheckpointError, match="KeyVID keyframe generator, not a localizer"):
        load_localizer(file)
    with pytest.raises(AudioError, match="finite"):
        listen(np.full((1, 32_000), np.nan, np.float32), n_frames=48)


def fourteen_sounds():
    """name: (sound of 4 s at 16 kHz, the seconds in which it can be heard)."""
    n = 4 * RATE
    draw = np.random.default_rng(5)
    silence = np.zeros((1, n), np.float32)
    noise = 0.2 * draw.standard_normal((1, n)).astype(np.float32)
    click = silence.copy()
    click[:, 2 * RATE : 2 * RATE + 40] = 0.8
    dither = draw.triangular(-1, 0, 1, (1, n)).astype(np.float32) * 10 ** (-90 / 20)
    head, tail, gap = noise.copy(), noise.copy(), noise.copy()
    head[:, : 2 * RATE] = 0
    tail[:, 2 * RATE :] = 0
    gap[:, RATE : 3 * RATE] = 0
    nothing, everything = (0, 0), (0, 4)
    return {
        "silence": (silence, nothing),
        "stereo silence": (np.repeat(silence, 2, axis=0), nothing),
        "offset": (silence + 0.3, nothing),
        "negative offset": (silence - 1, nothing),
        "dither": (dither, nothing),
        "dither on an offset": (dither + 0.1, nothing),
        "denormal numbers": (silence + 1e-40, nothing),
        "noise": (noise, everything),
        "faint noise": (noise * 1e-3, everything),
        "noise on an offset": (noise + 0.2, everything),
        "silent head": (head, (2, 4)),
        "silent tail": (tail, (0, 2)),
        "one silent channel": (np.concatenate([silence, noise]), everything),
        "one click": (click, (2, 2.01)),
        "silent middle": (gap, None),
    }


@pytest.mark.parametrize("method", ["onset", "beats", "network"])
@pytest.mark.parametrize("name", fourteen_sounds())
def test_no_method_finds_anything_in_silence(loaded, name, method):
    from keyvid_pack.host.loaders.localizer import network_curve

    samples, heard_s = fourteen_sounds()[name]
    clip = {"n_frames": 96, "fps": 24.0}
    if method == "network":
        score = network_curve(loaded, samples, RATE, **clip).score
    else:
        curve_of = {"onset": onset_curve, "beats": beats_curve}[method]
        score = curve_of(samples, RATE, **clip).score
    times_s = np.arange(96) / 24
    if heard_s is None:
        silent = (times_s > 1.5) & (times_s < 2.7)
    else:
        silent = (times_s < heard_s[0] - 0.3) | (times_s > heard_s[1] + 0.5)
    assert (score[silent] == 0).all()
    if method == "network" and heard_s != (0, 0):
        assert score.max() == 1


def test_an_offset_that_begins_with_the_clip_is_silence_to_the_network(loaded):
    from keyvid_pack.host.loaders.localizer import network_curve

    for rate in (8000, 44_100, 48_000):
        samples = np.full((2, 2 * rate), 0.25, np.float32)
        assert network_curve(loaded, samples, rate, n_frames=48, fps=24.0).score.max() == 0


def test_sound_without_silence_keeps_the_scores_of_the_network(path, listen):
    """A sound without silence is only scaled to 0..1, as before."""
    samples = sound(2) + 0.01 * np.random.default_rng(1).standard_normal((1, 2 * RATE))
    samples = samples.astype(np.float32)
    from keyvid_pack.keyframes.audio.onset_strength import audible_points

    assert audible_points(samples, RATE)[:-1].all()
    np.testing.assert_allclose(
        listen(samples, n_frames=48), normalise(scores_of(path, samples)), rtol=0, atol=1e-4
    )


def test_strikes_are_the_peaks_of_the_score_however_close_together(loaded):
    from keyvid_pack.host.loaders.localizer import network_curve

    curve = network_curve(loaded, sound(4), RATE, n_frames=96, fps=24.0)
    score = np.pad(curve.score, 1, constant_values=-1)
    higher = (score[1:-1] > score[:-2]) & (score[1:-1] > score[2:])
    frames = {round(strike.time_s * 24) for strike in curve.strikes}
    assert frames and frames <= set(np.flatnonzero(higher).tolist())
    for strike in curve.strikes:
        assert strike.clear == (strike.strength >= 0.1)
