"""A long plan whose images do not fit into memory is refused before they are made, by every bridge that holds them."""

import pytest
import torch

N_FRAMES, FPS = 2881, 16  # 3 minutes
SIZE = {"width": 832, "height": 480}
WHOLE = f"{N_FRAMES} images of 832 x 480 pixels need 12.9 GB of memory, and 1.0 GB are free"


@pytest.fixture
def one_gb(comfyui, monkeypatch):
    """ComfyUI finds so much memory free."""
    import comfy.model_management

    monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda device: 2**30)


def plan_and_images():
    from keyvid_pack.keyframes.plan import plan_at_frames

    frames = range(0, N_FRAMES, 1440)
    plan = plan_at_frames(frames, fps=FPS, n_frames=N_FRAMES)
    return {"plan": plan, "images": torch.zeros(plan.count, 480, 832, 3)}


def control_video():
    from keyvid_pack.nodes.keyframe_control_video import KeyframeControlVideo

    KeyframeControlVideo.execute(**plan_and_images(), **SIZE, hold="group")


def masked_video():
    from keyvid_pack.nodes.keyframe_masked_video import KeyframeMaskedVideo

    KeyframeMaskedVideo.execute(**plan_and_images(), **SIZE, between="grey")


def images_on_frames():
    from keyvid_pack.nodes.keyframe_images import ImagesOnFrames

    ImagesOnFrames.execute(**plan_and_images(), between="black")


def joined_segments():
    from keyvid_pack.nodes.segments import JoinSegments

    given = plan_and_images()
    segments = [torch.zeros(1, 480, 832, 3).expand(1441, -1, -1, -1)] * 2
    JoinSegments.execute(segments=segments, plan=[given["plan"]])


@pytest.mark.parametrize("bridge", [control_video, masked_video, images_on_frames, joined_segments])
def test_three_minutes_are_refused_with_what_to_do(one_gb, bridge):
    from keyvid_pack.errors import KeyVIDError

    with pytest.raises(KeyVIDError, match=WHOLE + ".*shorter piece in Clip Audio, or a smaller"):
        bridge()


def test_what_fits_is_made(one_gb):
    """60 frames of this size are 0.27 GB."""
    from keyvid_pack.keyframes.plan import plan_at_frames
    from keyvid_pack.nodes.keyframe_images import ImagesOnFrames

    plan = plan_at_frames([0, 30], fps=FPS, n_frames=60)
    images = torch.zeros(2, 480, 832, 3)
    frames, _ = ImagesOnFrames.execute(images=images, plan=plan, between="black").args
    assert frames.shape == (60, 480, 832, 3)
