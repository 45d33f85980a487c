"""The localizer that comes with the pack on a sound that nobody drew: a real snare drum, over its whole 30 s."""

from keyvid_pack.keyframes.events import match_events
from keyvid_pack.keyframes.peaks import find_peaks
from keyvid_pack.keyframes.timebase import FPS
from keyvid_pack.training.release.export import WEIGHTS

from ...helpers.recordings import SNARE, decode, snare_strikes

WITHIN = 2  # frames


def test_a_real_snare_drum_is_heard():
    from keyvid_pack.host.loaders import (
        localizer,  # needs ComfyUI, which the suite has set up by now
    )

    samples, sample_rate = decode(SNARE)
    n_frames = int(samples.shape[-1] / sample_rate * FPS)
    loaded = localizer.load_localizer(WEIGHTS / "keyvid_small_localizer.safetensors")
    curve = localizer.network_curve(loaded, samples, sample_rate, n_frames=n_frames, fps=FPS)
    strikes = [round(time_s * float(FPS)) for time_s in snare_strikes()]
    strikes = [frame for frame in strikes if frame < n_frames]
    match = match_events(find_peaks(curve.score)[0], strikes, tolerance=WITHIN)
    assert match.recall >= 0.9 and match.precision >= 0.9, (match.recall, match.precision)
