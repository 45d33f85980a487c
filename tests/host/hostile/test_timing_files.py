"""Damaged timing files in ComfyUI's input folder: each is read, or refused with a message, before a run and in it.

10,000 of them with `python dev.py test tests/host/hostile --long`.
"""

import math
import random

import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes.curve import motion_curve
from keyvid_pack.keyframes.plan import plan_at_frames
from keyvid_pack.keyframes.timing_file import timing_to_json

from ...helpers.hostile.damage import damaged

FEW = [300, pytest.param(10_000, marks=pytest.mark.long)]
NAME = "hostile.keyvid.json"
WHOLE = timing_to_json(
    plan=plan_at_frames((0, 7, 12, 40), fps=24, n_frames=48),
    curve=motion_curve([0.25] * 48, fps=24, source="onset", strikes=[[0.5, 0.9, True]]),
).encode()


@pytest.mark.parametrize("n_files", FEW)
def test_a_damaged_timing_file_is_read_or_refused_with_a_message(comfyui, n_files):
    from keyvid_pack.nodes.timing_files import LoadTiming

    folder, rng = comfyui.base / "input", random.Random(11)
    before, n_refused = {path.name for path in folder.iterdir()}, 0
    for number in range(n_files):
        (folder / NAME).write_bytes(damaged(WHOLE, rng, front=rng.choice((0.1, 1.0))))
        assert LoadTiming.validate_inputs(file=NAME) is True
        stamp = LoadTiming.fingerprint_inputs(file=NAME)
        assert isinstance(stamp, str) or math.isnan(stamp)
        try:
            plan, _ = LoadTiming.execute(file=NAME).args
        except KeyVIDError as error:
            assert 20 < len(str(error)) < 600 and str(error).isprintable(), number
            n_refused += 1
        else:
            assert plan.frames[0] == 0 and plan.frames[-1] < plan.n_frames, number
    (folder / NAME).unlink()
    assert n_files // 2 < n_refused < n_files
    assert {path.name for path in folder.iterdir()} == before
