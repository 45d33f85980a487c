"""Damaged images and videos that a workflow names: each is used, or refused with a message; nothing hangs.

2,000 of each with `python dev.py test host --long -k hostile`.
"""

import io
import random
from dataclasses import replace

import numpy as np
import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.keyframes.plan import plan_at_frames
from keyvid_pack.preview.mp4 import write_mp4
from PIL import Image

from ...helpers.hostile.damage import damaged

FEW = [15, pytest.param(2000, marks=pytest.mark.long)]
PIXELS = np.random.default_rng(0).integers(0, 256, (12, 32, 48, 3), np.uint8)
MOST_FRAMES = 500  # of a file with 12


def image_bytes(kind):
    file = io.BytesIO()
    Image.fromarray(PIXELS[0]).save(file, kind)
    return file.getvalue()


def check(use, number):
    """1 if it is refused, 0 if it is used."""
    try:
        use()
    except KeyVIDError as error:
        assert 20 < len(str(error)) < 600, number
        return 1
    except Exception as error:
        raise AssertionError(f"file {number}: {error!r}") from error
    return 0


@pytest.mark.parametrize("n_files", FEW)
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_hostile_image_of_a_keyframe_is_used_or_refused(comfyui, kind, n_files):
    from keyvid_pack.host.bridges.storyboard import storyboard_images

    plan = plan_at_frames((0, 7), fps=24, n_frames=48)
    name = f"hostile.{kind}"
    plan = replace(plan, keyframes=(replace(plan.keyframes[0], image=name), plan.keyframes[1]))
    path, whole, rng = comfyui.base / "input" / name, image_bytes(kind), random.Random(kind)
    n_refused = 0
    for number in range(n_files):
        path.write_bytes(damaged(whole, rng, front=rng.choice((0.1, 1.0))))
        n_refused += check(lambda: storyboard_images(plan, width=64, height=64), number)
    path.unlink()
    assert 0 < n_refused < n_files


@pytest.mark.parametrize("n_files", FEW)
def test_a_hostile_video_is_measured_or_refused(comfyui, tmp_path, n_files):
    from comfy_api.latest import InputImpl
    from keyvid_pack.host.motion import measured
    from keyvid_pack.host.video_frames import frames_of_video

    path, rng = tmp_path / "a.mp4", random.Random("video")
    size = {"width": 48, "height": 32, "n_frames": 12, "fps": 24}
    silence = np.zeros((1, 4000), np.float32)
    write_mp4(path, iter(PIXELS), **size, samples=silence, sample_rate=8000)
    whole = path.read_bytes()

    def use():
        frames = frames_of_video(InputImpl.VideoFromFile(str(path)))
        # what is hostile is the file; the optical flow gets plain pixels
        scores, times_s = measured(frames, lambda pixels: np.zeros(len(pixels) - 1))
        assert len(scores) + 1 == len(times_s) < MOST_FRAMES

    use()
    n_refused = 0
    for number in range(n_files):
        path.write_bytes(damaged(whole, rng, front=rng.choice((0.05, 1.0))))
        n_refused += check(use, number)
    assert 0 < n_refused < n_files
