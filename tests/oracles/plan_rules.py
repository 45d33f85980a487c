"""How the artist changes a plan. The count stays; each function returns a new plan.

The rules (`tests/count_cases.json` is the table of results that every implementation of them is held to):

1. Frame 0 can be neither moved nor deleted.
2. A keyframe is free when it is unlocked, has neither prompt nor image and is either a fill, or a valley the artist
   has not changed (source not "edit").
3. Adding (kind manual, source "edit") takes the place of the nearest free fill, if there is none of the nearest
   free valley, of two equally near ones the earlier. A peak never gives way unasked: without anything free, adding is
   refused.
4. Deleting puts a fill (source "refill") at the roomiest free frame: the one farthest from its neighbours, away
   from what was deleted (`fill_gaps.roomiest_frame`). Without a free frame, deleting is refused.
5. Moving makes a keyframe manual (source "edit"). Onto another keyframe it is refused; a drag stops next to it
   (`nearest_free`). A move to where it is changes nothing.
6. A locked keyframe is neither moved nor deleted until it is unlocked.
7. Locking and unlocking change nothing else. Setting a kind makes the source "edit"; so does setting prompt or image.
"""

from dataclasses import replace

from keyvid_pack.errors import PlanError
from keyvid_pack.keyframes.fill_gaps import roomiest_frame
from keyvid_pack.keyframes.plan import (
    EDIT,
    KINDS,
    REFILL,
    Keyframe,
    whole_frame,
    with_keyframes,
)
from keyvid_pack.keyframes.values import shown


def add_keyframe(plan, frame):
    """The plan with a manual keyframe at a frame, in place of a free one. Raises PlanError."""
    frame = whole_frame(frame, plan.n_frames)
    if _keyframe_at(plan, frame):
        raise PlanError(f"There is a keyframe at frame {frame} already; choose another frame.")
    gives_way = _nearest_free_keyframe(plan, frame)
    if gives_way is None:
        raise PlanError(
            f"No keyframe can give way to one at frame {frame}: the {plan.count} of this plan are peaks, placed by "
            "hand, locked or have a prompt or an image. Delete or unlock one first, or raise the count in Select "
            "Keyframes."
        )
    others = [keyframe for keyframe in plan.keyframes if keyframe is not gives_way]
    return with_keyframes(plan, [*others, Keyframe(frame, "manual", source=EDIT)])


def delete_keyframe(plan, frame):
    """The plan without the keyframe at a frame, and with a fill in the roomiest place. Raises PlanError."""
    deleted = _changeable(plan, frame, "deleted")
    others = [keyframe for keyframe in plan.keyframes if keyframe is not deleted]
    if plan.count == plan.n_frames:
        raise PlanError(
            f"The keyframe at frame {deleted.frame} cannot be deleted: each of the {plan.n_frames} frames is one. "
            "Lower the count in Select Keyframes instead."
        )
    refill = roomiest_frame(
        [keyframe.frame for keyframe in others], n_frames=plan.n_frames, removed=[deleted.frame]
    )
    return with_keyframes(plan, [*others, Keyframe(refill, "fill", source=REFILL)])


def move_keyframe(plan, frame, to):
    """The plan with a keyframe moved to a free frame. Raises PlanError."""
    moved = _changeable(plan, frame, "moved")
    to = whole_frame(to, plan.n_frames)
    if to == moved.frame:
        return plan
    if _keyframe_at(plan, to):
        raise PlanError(
            f"The keyframe at frame {moved.frame} cannot move to frame {to}: there is one already. "
            f"Stop at frame {nearest_free(plan, moved.frame, to)}."
        )
    return _replaced(plan, moved.frame, frame=to, kind="manual", source=EDIT)


def nearest_free(plan, frame, to):
    """Where a keyframe dragged from `frame` to `to` stops: the last free frame on the way, or where it is."""
    taken = set(plan.frames) - {frame}
    step = 1 if to < frame else -1
    while to in taken:
        to += step
    return to


def lock_keyframe(plan, frame, *, locked=True):
    """The plan with the keyframe at a frame locked or unlocked. Raises PlanError."""
    return _replaced(plan, _existing(plan, frame).frame, locked=locked)


def set_kind(plan, frame, kind):
    """The plan with the keyframe at a frame given another kind, but 'first'. Raises PlanError."""
    keyframe = _existing(plan, frame)
    if kind not in KINDS or kind == "first" or keyframe.frame == 0:
        raise PlanError(
            f"The keyframe at frame {keyframe.frame} cannot become {shown(kind)}; frame 0 stays 'first', "
            f"and every other keyframe is one of {', '.join(KINDS[1:])}."
        )
    if kind == keyframe.kind:
        return plan
    return _replaced(plan, keyframe.frame, kind=kind, source=EDIT)


def set_prompt(plan, frame, prompt):
    """The plan with the keyframe at a frame given words of its own; "" takes them away. Raises PlanError."""
    keyframe = _existing(plan, frame)
    if prompt == keyframe.prompt:
        return plan
    return _replaced(plan, keyframe.frame, prompt=prompt, source=EDIT)


def set_image(plan, frame, image):
    """The plan with the keyframe at a frame given an image of its own; "" takes it away. Raises PlanError."""
    keyframe = _existing(plan, frame)
    if image == keyframe.image:
        return plan
    return _replaced(plan, keyframe.frame, image=image, source=EDIT)


def _nearest_free_keyframe(plan, frame):
    for kind in ("fill", "valley"):
        free = [
            keyframe
            for keyframe in plan.keyframes
            if keyframe.kind == kind
            and not keyframe.locked
            and not keyframe.prompt
            and not keyframe.image
            and (kind == "fill" or keyframe.source != EDIT)
        ]
        if free:
            return min(free, key=lambda keyframe: (abs(keyframe.frame - frame), keyframe.frame))
    return None


def _changeable(plan, frame, verb):
    keyframe = _existing(plan, frame)
    if keyframe.frame == 0:
        raise PlanError(
            f"The keyframe at frame 0 cannot be {verb}: the video starts with it. Change another one."
        )
    if keyframe.locked:
        raise PlanError(
            f"The keyframe at frame {keyframe.frame} is locked and cannot be {verb}; unlock it first."
        )
    return keyframe


def _existing(plan, frame):
    frame = whole_frame(frame, plan.n_frames)
    keyframe = _keyframe_at(plan, frame)
    if keyframe is None:
        raise PlanError(
            f"There is no keyframe at frame {frame}; the plan has them at {_listed(plan.frames)}."
        )
    return keyframe


def _listed(frames):
    listed = ", ".join(str(frame) for frame in frames[:24])
    return listed if len(frames) <= 24 else f"{listed} and {len(frames) - 24} more"


def _keyframe_at(plan, frame):
    """The Keyframe at a frame, or None."""
    return next((keyframe for keyframe in plan.keyframes if keyframe.frame == frame), None)


def _replaced(plan, frame, /, **changes):
    """The plan with the keyframe at `frame` changed. Raises PlanError."""
    return with_keyframes(
        plan, [replace(k, **changes) if k.frame == frame else k for k in plan.keyframes]
    )
