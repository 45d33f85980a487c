"""Which image belongs to which keyframe."""

from ...errors import PlanError
from ..plan import KeyframePlan
from ..text import frames_to_text, there_are

FEWER = ("refuse", "repeat", "by kind")
FEWER_TOOLTIP = (
    "When there are fewer images than keyframes. refuse: say which are missing. repeat: begin again with the first "
    "image. by kind: the first image at peaks, the next ones at valleys, fills, manual keyframes and frame 0; the last "
    "image at all kinds that are left."
)
_KINDS = ("peak", "valley", "fill", "manual", "first")  # in the order of their images
_MAX_NAMED = 12  # frames in an error message


def image_per_keyframe(plan: KeyframePlan, n_images: int, *, fewer: str | None = None) -> list[int]:
    """The index of the image of each keyframe, in order of time.

    n_images: as many as keyframes, or as frames: then those at the keyframes are taken. fewer: what is done with fewer
    images than keyframes: "refuse"; "repeat" them from the first one on; or "by kind": image 1 at peaks, 2 at valleys,
    3 at fills, 4 at manual keyframes, 5 at frame 0, and the last one at all kinds that are left. None, of a node where
    that cannot be chosen: refused, and the message names Keyframe Images, where it can. Raises PlanError naming the
    frames that have no image, or how many images are too many.
    """
    if n_images < 1:
        raise PlanError(
            f"There is no image for the {plan.count} keyframes of the plan. Connect Load Image, or any node that "
            "gives images."
        )
    if n_images == plan.count:
        return list(range(n_images))
    if n_images == plan.n_frames:
        return plan.frames
    if fewer is not None and fewer not in FEWER:
        raise PlanError(
            f"Fewer images cannot be handled by {fewer!r}; choose one of {', '.join(FEWER)}."
        )
    if n_images < plan.count:
        if fewer == "repeat":
            return [number % n_images for number in range(plan.count)]
        if fewer == "by kind":
            return _by_kind(plan, n_images)
        raise PlanError(_missing(plan, n_images, fewer))
    # a plan has at most one keyframe per frame
    more = f", or set the count in Select Keyframes to {n_images}" * (n_images < plan.n_frames)
    raise PlanError(
        f"There are {n_images} images for the {plan.count} keyframes of the plan; leave out "
        f"{n_images - plan.count}{more}. A whole video would have {plan.n_frames}."
    )


def _missing(plan: KeyframePlan, n_images: int, fewer: str | None) -> str:
    """What is said of fewer images than keyframes."""
    missing = plan.frames[n_images:]
    at = "that at frame" if len(missing) == 1 else "those at frames"
    has = "has" if len(missing) == 1 else "have"
    more = "" if len(missing) <= _MAX_NAMED else f" and {len(missing) - _MAX_NAMED} more"
    here = "set fewer images to repeat or by kind"
    elsewhere = f"put Keyframe Images before this node and {here} there"
    return (
        f"{there_are(n_images, 'image')} for the {plan.count} keyframes of the plan; {at} "
        f"{frames_to_text(missing[:_MAX_NAMED])}{more} {has} none. Connect {len(missing)} more, set the count in "
        f"Select Keyframes to {max(2, n_images)}, or {elsewhere if fewer is None else here}."
    )


def _by_kind(plan: KeyframePlan, n_images: int) -> list[int]:
    if n_images > len(_KINDS):
        raise PlanError(
            f"There are {n_images} images, and there are {len(_KINDS)} kinds of keyframes; leave out "
            f"{n_images - len(_KINDS)}, or let the images repeat."
        )
    return [min(_KINDS.index(keyframe.kind), n_images - 1) for keyframe in plan.keyframes]


def image_on_frames(plan: KeyframePlan) -> list[int | None]:
    """For every frame of the plan which image is there, counted in order of time from 0, or None."""
    numbers: list[int | None] = [None] * plan.n_frames
    for number, frame in enumerate(plan.frames):
        numbers[frame] = number
    return numbers
