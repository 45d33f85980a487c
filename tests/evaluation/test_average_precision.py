"""AP@t, the published figure of a localizer; tests/parity holds it to the published code's numbers."""

import numpy as np
import pytest
from keyvid_pack.errors import CurveError
from keyvid_pack.evaluation.measures.average_precision import (
    average_precision_at,
    mean_average_precision_at,
)


def curve(n_frames, **heights):
    score = np.zeros(n_frames)
    for frame, height in heights.items():
        score[int(frame.removeprefix("f"))] = height
    return score


def test_ap_is_the_recall_of_measured_peaks():
    measured = curve(60, f10=1.0, f30=1.0, f50=1.0)
    predicted = curve(60, f12=1.0, f30=1.0, f55=1.0)
    values = [average_precision_at(predicted, measured, t=t) for t in (0, 1, 2, 4, 5)]
    assert values == [1 / 3, 1 / 3, 2 / 3, 2 / 3, 1.0]
    # more predicted peaks cost nothing: it is a recall, whatever its name
    assert average_precision_at(measured, curve(60, f30=1.0), t=0) == 1.0


def test_ap_without_peaks():
    flat, struck = np.zeros(60), curve(60, f30=1.0)
    assert average_precision_at(struck, flat, t=3) == 0.5
    assert average_precision_at(flat, struck, t=3) == 0.0
    assert average_precision_at(flat, flat, t=3) == 0.5


def test_ap_of_a_set_is_the_mean_over_its_clips():
    flat, struck = np.zeros(60), curve(60, f30=1.0)
    assert mean_average_precision_at([(struck, struck), (struck, flat)], t=3) == 0.75
    with pytest.raises(CurveError, match="at least one"):
        mean_average_precision_at([], t=3)


@pytest.mark.parametrize("shapes", [((10,), (12,)), ((2, 10), (2, 10)), ((), ())])
def test_ap_refuses_curves_of_different_clips(shapes):
    with pytest.raises(CurveError, match="same clip"):
        average_precision_at(np.zeros(shapes[0]), np.zeros(shapes[1]), t=3)


def test_ap_counts_small_predicted_peaks():
    measured = curve(48, f10=1.0, f30=1.0)
    assert average_precision_at(curve(48, f12=1.0, f31=1e-4), measured, t=3) == 1.0
    assert average_precision_at(curve(48, f20=1.0), measured, t=3) == 0.0
