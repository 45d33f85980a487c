"""The frames that the diffusion networks are trained on."""

import numpy as np
import pytest
from keyvid_pack.training import recipe
from keyvid_pack.training.tasks.frame_sets import draw_frame_set

from ...helpers import small_training as small


@pytest.mark.parametrize("count", recipe.KEYFRAME_COUNTS)
def test_draw_frame_set_has_its_count_and_frame_0(count):
    rng = np.random.default_rng(0)
    for record in small.clips(8):
        frames = draw_frame_set(rng, record, count)
        assert len(set(frames)) == count and frames == sorted(frames)
        assert frames[0] == 0 and frames[-1] <= 47


def test_draw_frame_set_is_uniform_or_follows_events():
    rng = np.random.default_rng(0)
    record = max(small.clips(8), key=lambda record: (record["event_frames"] >= 0).sum())
    events = {int(frame) for frame in record["event_frames"] if frame >= 0}
    assert len(events) >= 3
    uniform = [i * 4 for i in range(12)]
    sets = [draw_frame_set(rng, record, 12) for _ in range(400)]
    others = [set(frames) for frames in sets if frames != uniform]
    assert len(others) / len(sets) == pytest.approx(0.5, abs=0.08)
    assert np.mean([len(events & frames) / len(events) for frames in others]) > 0.7
