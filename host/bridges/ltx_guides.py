"""Keyframes for LTX-Video and LTX-2: ComfyUI's LTXVAddGuide, once per keyframe.

An image becomes one latent frame of tokens behind those of the video, with the position of its own frame: exact, any
number of them. LTXVCropGuides takes them off again after sampling.
"""

from collections.abc import Sequence

from ...errors import KeyVIDError
from ...keyframes.bridges.guides import Guide, check_same_length, check_same_rate
from ...keyframes.plan import KeyframePlan
from ..payloads import Conditioning, Image, Latent, Vae
from ..running_node import progress_steps

_VIDEO_CHANNELS = 128  # of every LTX latent
# the keys of CONDITIONING that ComfyUI's LTX nodes write
_FRAME_RATE, _POSITIONS = "frame_rate", "keyframe_idxs"


def check_ltx(
    plan: KeyframePlan,
    *,
    positive: Conditioning,
    negative: Conditioning,
    vae: Vae,
    latent: Latent,
) -> None:
    """Raises KeyVIDError unless the five belong together: LTX's VAE and latent, the plan's length, its frame rate.

    A conditioning without LTXV Conditioning has no frame rate yet, and is not checked for it.
    """
    scale = getattr(vae, "downscale_index_formula", None)
    if scale is None or getattr(vae, "latent_channels", None) != _VIDEO_CHANNELS:
        raise KeyVIDError(
            "The VAE is not the video VAE of LTX. Connect the vae output of the LTX checkpoint, or Load VAE with an "
            "LTX video VAE; the audio VAE is another one."
        )
    latent = _video_part(latent)
    samples = latent["samples"]
    shape = tuple(getattr(samples, "shape", ()))
    if len(shape) != 5 or shape[1] != _VIDEO_CHANNELS:
        raise KeyVIDError(
            f"The latent has shape {shape} and is not one of an LTX video (1, {_VIDEO_CHANNELS}, frames, height, "
            "width). Connect EmptyLTXVLatentVideo, or the latent of LTX's own nodes."
        )
    if shape[0] != 1:
        raise KeyVIDError(
            f"The latent holds {shape[0]} videos, and LTXV Add Guide takes one. Set batch_size to 1 and run again for "
            "another video."
        )
    mask = latent.get("noise_mask")
    if mask is not None and mask.ndim != len(shape):
        raise KeyVIDError(
            f"The latent has a mask of shape {tuple(mask.shape)}, which is one for images. Take Set Latent Noise Mask "
            "out before this node; LTXV Img To Video Inplace keeps a first image."
        )
    n_latents = shape[2] - _n_guides(positive, tokens_per_frame=shape[3] * shape[4])
    check_same_length(plan, (n_latents - 1) * scale[0] + 1)
    for name, conditioning in (("positive", positive), ("negative", negative)):
        for _, entry in conditioning:
            if entry.get(_FRAME_RATE) is not None:
                check_same_rate(plan, entry[_FRAME_RATE], name=f"{name} conditioning")


def with_guides(
    positive: Conditioning,
    negative: Conditioning,
    latent: Latent,
    *,
    vae: Vae,
    images: Image,
    guides: Sequence[Guide],
) -> tuple[Conditioning, Conditioning, Latent]:
    """Positive, negative and latent with every guide of `images` (keyframes, H, W, 3), as a chain of LTXVAddGuide.

    A latent of video and sound (AV) gets them in its video part. Without guides all three are what came in.
    """
    from comfy_extras import nodes_lt  # late: it must not stop the pack where ComfyUI has no LTX

    if not guides:
        return positive, negative, latent
    both, latent = latent, _video_part(latent)
    step = progress_steps()
    for done, guide in enumerate(guides):
        step(done, len(guides))
        image = images[guide.number : guide.number + 1]  # (1, H, W, 3)
        added = nodes_lt.LTXVAddGuide.execute(
            positive, negative, vae, latent, image, guide.frame, guide.strength
        )
        positive, negative, latent = added[0], added[1], added[2]
    step(len(guides), len(guides))
    if _has_sound(both):
        sound = nodes_lt.LTXVSeparateAVLatent.execute(both)[1]
        latent = nodes_lt.LTXVConcatAVLatent.execute(latent, sound)[0]
    return positive, negative, latent


def _has_sound(latent: Latent) -> bool:
    """Whether a LATENT holds video and sound, as Concat AV Latent makes it."""
    return bool(getattr(latent["samples"], "is_nested", False))


def _video_part(latent: Latent) -> Latent:
    """The LATENT of the video alone, its mask with one channel, as LTXVAddGuide needs it.

    Concat AV Latent gives a video without a mask one of all channels, all of them 1, when the sound has a mask.
    """
    if not _has_sound(latent):
        return latent
    from comfy_extras import nodes_lt

    video = nodes_lt.LTXVSeparateAVLatent.execute(latent)[0]
    mask = video.get("noise_mask")
    return video if mask is None else {**video, "noise_mask": mask[:, :1]}


def _n_guides(conditioning: Conditioning, *, tokens_per_frame: int) -> int:
    """How many latent frames of guides earlier nodes have added."""
    positions = next(
        (e[_POSITIONS] for _, e in conditioning if e.get(_POSITIONS) is not None), None
    )
    return 0 if positions is None else positions.shape[2] // tokens_per_frame
