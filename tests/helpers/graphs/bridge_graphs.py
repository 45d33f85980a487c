"""The chain from audio to a plan for another model, and what the bridges make of it."""

from .prompts import node
from .timing_graph import chain

SIZE = {"width": 48, "height": 32}


def fitted(*, model="Wan 2.1 and 2.2 14B, 16 fps", n_frames=0, any_length=False, **custom):
    """The chain of the timing half, and its plan for another model."""
    options = {"custom_fps": 24.0, "custom_grid": "any", **custom}
    prompt = chain()
    prompt["fit"] = node(
        "KeyVID_FitPlanToModel",
        plan=["edit", 0],
        audio=["clip", 0],
        curve=["curve", 0],
        model=model,
        n_frames=n_frames,
        any_length=any_length,
        **options,
    )
    prompt["frames"] = node("KeyVID_PlanToFrames", plan=["fit", 0], width=64, height=64)
    return prompt


def storyboard(n_images, **options):
    """A plan for another model, and the images of its keyframes."""
    given = {"width": 0, "height": 0, "fit": "crop", "fewer": "refuse", **options}
    prompt = fitted()
    prompt["source"] = node("KeyVIDTest_NumberedImages", count=n_images, **SIZE)
    prompt["images"] = node(
        "KeyVID_KeyframeImages", plan=["fit", 0], **{"images.image0": ["source", 0]}, **given
    )
    return prompt


def save(source, file):
    return node("KeyVIDTest_SaveTensors", value=source, file=file)


def numbers_of(images):
    """The numbers of NumberedImages, read from their red."""
    return (images[..., 0].mean(dim=(1, 2)) * 255).floor().int().tolist()
