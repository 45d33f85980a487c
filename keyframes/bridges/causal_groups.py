"""How Wan's video VAE groups frames, and where keyframes go so that their masks stay with them.

The first latent holds frame 0, latent j > 0 the four frames 4j - 3 to 4j. Two masks tell Wan's models what to keep:

- VACE takes one mask per frame, and ComfyUI's WanVaceToVideo (as the published code) makes one per latent by looking
  at a single frame for each: torch's nearest-exact, frame floor((j + 1/2) * N / T) for latent j of T. That frame is
  often outside the latent's own four, so a mask that covers a keyframe alone is mostly lost.
- Image-to-video, first-last and Dancer weights take four rows per latent: frame 0 has the four of the first latent,
  frame f > 0 row f + 3. Nothing is lost there.
"""

from typing import NamedTuple

SIZE = 4
HOLDS = ("group", "frame")


class ControlFrames(NamedTuple):
    """What VACE is given, one entry per frame of the video.

    images: the number of the image that is shown there, or None where the model paints. kept: whether the mask is 0.
    shifted: keyframes whose image is shown from the next frame on. early: keyframes whose image is shown before their
    frame too, though they are alone in their place.
    """

    images: list[int | None]
    kept: list[bool]
    shifted: list[int]
    early: list[int]


def group_of(frame: int) -> int:
    """The latent that holds a frame."""
    return (frame + SIZE - 1) // SIZE


def group_frames(group: int) -> range:
    """The frames that a latent holds."""
    return range(1) if group == 0 else range(SIZE * group - SIZE + 1, SIZE * group + 1)


def n_groups(n_frames: int) -> int:
    """How many latents a video of 4k + 1 frames has."""
    return group_of(n_frames - 1) + 1


def mask_frame(group: int, n_frames: int) -> int:
    """The frame whose mask becomes the mask of a latent of VACE: floor((group + 1/2) * n_frames / n_groups)."""
    return (2 * group + 1) * n_frames // (2 * n_groups(n_frames))


def kept_rows(frames: list[int], n_frames: int) -> list[bool]:
    """Which of the 4 * n_groups rows of a concat mask belong to kept frames: the four of frame 0, row f + 3 of f."""
    rows = [False] * (SIZE * n_groups(n_frames))
    for frame in frames:
        for row in range(SIZE) if frame == 0 else (frame + SIZE - 1,):
            rows[row] = True
    return rows


def control_frames(frames: list[int], n_frames: int, *, hold: str = HOLDS[0]) -> ControlFrames:
    """Images and masks for VACE, from keyframes at `frames` (ascending, 0 among them) of a video of 4k + 1 frames.

    hold: "group" shows an image on all frames of its latent, so that what the model keeps is the image and nothing
    else; "frame" shows it on its own frame alone. Exactly the latents that hold an image are kept.

    One place is awkward: the first frame of a latent is, in the first third of a video, the one that decides about
    the latent before. An image there would keep that one too, which holds nothing. So the place stays empty, and the
    image of a keyframe there is shown from the next frame on (`shifted`). If that frame has a keyframe of its own, the
    image goes into the latent before as well (`early`): nothing is lost.
    """
    images: list[int | None] = [None] * n_frames
    numbers = dict(zip(frames, range(len(frames)), strict=True))
    groups = {group_of(frame) for frame in frames}
    for frame, number in numbers.items():
        images[frame] = number
    if hold == HOLDS[0]:
        for group in groups:
            _fill(images, group_frames(group))
    shifted, early = [], []
    for group in range(n_groups(n_frames) - 1, 0, -1):
        first = group_frames(group)[0]
        if group not in groups or group - 1 in groups or mask_frame(group - 1, n_frames) != first:
            continue
        if first not in numbers:
            images[first] = None
        elif first + 1 not in numbers:
            images[first], images[first + 1] = None, numbers[first]
            shifted.append(first)
        else:
            groups.add(group - 1)
            before = group_frames(group - 1) if hold == HOLDS[0] else (first - 1,)
            for frame in before:
                images[frame] = numbers[first]
            early.append(first)
    kept = [image is not None for image in images]
    for group in groups:
        kept[mask_frame(group, n_frames)] = True
    return ControlFrames(images, kept, shifted[::-1], early[::-1])


def control_summary(control: ControlFrames, *, hold: str) -> str:
    """Where an image of `control` is not exactly on its frame, one sentence a line."""
    together = "on its frame and those that Wan's VAE puts together with it"
    where = together if hold == HOLDS[0] else "on its frame alone"
    lines = [f"Each image is shown {where}."]
    lines += [
        f"The image of frame {frame} is shown from frame {frame + 1} on: the mask of frame {frame} decides about the "
        "frames before it, which have no keyframe."
        for frame in control.shifted
    ]
    lines += [
        f"The image of frame {frame} is shown before its frame too, since the next frame has another one."
        for frame in control.early
    ]
    return "\n".join(lines)


def _fill(images: list[int | None], group: range) -> None:
    """Every frame of a group shows the last image before it, the first ones the first image of the group."""
    shown = next(images[frame] for frame in group if images[frame] is not None)
    for frame in group:
        shown = shown if images[frame] is None else images[frame]
        images[frame] = shown
