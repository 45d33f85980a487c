"""A storyboard as a video that a node shows."""

import numpy as np

from ...keyframes.bridges.image_order import image_per_keyframe
from ...keyframes.plan import KeyframePlan
from ...preview.blend import render_blend
from ..images import check_images
from ..node_previews import rendered_video
from ..payloads import UI, Image, Video
from ..running_node import progress_steps


def blended_video(
    images: Image,
    plan: KeyframePlan,
    *,
    blend: str,
    fewer: str,
    samples: np.ndarray,
    sample_rate: int,
) -> tuple[Video, UI]:
    """Renders a storyboard (B, H, W, 3) into a temp file: (VIDEO payload, ui dict that shows it).

    fewer: of `image_order.image_per_keyframe`; an image that is used often is in memory once. samples: (C, N),
    sample_rate in Hz. One frame is held at a time, however long the plan is. Cancel removes the file.
    """
    check_images(images, name="images")
    pixels = images[..., :3].detach().float().cpu().numpy()
    chosen = image_per_keyframe(plan, len(pixels), fewer=fewer)
    return rendered_video(
        "keyvid_blend",
        lambda path: render_blend(
            path,
            images=[pixels[i] for i in chosen],
            plan=plan,
            blend=blend,
            samples=samples,
            sample_rate=sample_rate,
            on_frame=progress_steps(),
        ),
    )
