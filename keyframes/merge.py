"""Three-way merge: the artist's changes to one prediction, carried over to a new prediction.

Given three plans for the same clip - base (the prediction that was edited), edited (what the artist made of it) and
new (today's prediction) - what the artist did stays done and the rest follows the new prediction.
`tests/merge_cases.json` holds cases and results for every implementation of the rules.

What the artist did, from base and edited:
1. A keyframe of `edited` is a *user edit* if `base` has none at its frame, or one that differs in kind, locked,
   prompt, image or unknown fields, or if its source is "edit" and that of the one in `base` is not. Exceptions: frame 0
   (rule 10), and an unlocked fill of source "refill" without a prompt and an image: it is a *refill*, which only took
   the place of something deleted.
2. The frames of `base` that `edited` lacks, or where it has a refill, are *removed*. A move is one removed frame and
   one user edit.

Which keyframes of `new` follow:
3. Events of `base` and `new` are matched: peaks with peaks, valleys with valleys, manual with manual ones, at most
   TOLERANCE frames apart. All such pairs are walked from the nearest to the farthest (then by base frame, then by new
   frame); a pair is taken if neither is taken yet and it crosses no pair taken before. Fills match nothing.
4. A keyframe of `new` is *skipped* if its frame is removed or has a user edit; if its match in `base` is removed or
   has become a user edit; or if it is a peak or valley without a match, and a user edit is at most TOLERANCE frames
   away: the artist put a keyframe on that event first. The others are *predicted*.

Putting together:
5. The count is that of `new` if `edited` has as many keyframes as `base`: the artist left the number to the
   prediction. Else, and without a base, it is that of `edited`.
   Frame 0 and all user edits are in. If they alone are more than the count, that is a PlanError.
6. If predicted ones are too many, they are dropped one by one: fills first, then valleys, peaks, manual ones, and
   locked ones and those with a prompt or an image, of any kind, last; among equals the one nearest to a user edit,
   then the earlier one.
7. If there are too few, refills at frames still free are added in order of time.
8. If there are still too few, fills (source "refill") go one by one to the roomiest free frame, away from the frames
   that are removed and from those skipped by rule 4 (`fill_gaps.roomiest_frame`).
9. fps, n_frames and fingerprint are those of `new`. Unknown fields of the plan: those of `new`, and over them
   each one that `edited` changed, added or removed against `base`.
10. Frame 0 is that of `edited` if its lock, prompt, image or unknown fields differ from those in `base`, else that of
    `new`.
11. Without a base (None) every keyframe of `edited` but frame 0 is a user edit, nothing is removed and nothing matches;
    frame 0 and the plan count as unlocked and without prompt, image and unknown fields before.
"""

from collections.abc import Collection
from dataclasses import replace

from ..errors import PlanError, PlanMismatchError
from .fill_gaps import TOLERANCE, roomiest_frame
from .plan import EDIT, REFILL, Keyframe, KeyframePlan, with_keyframes
from .timebase import distinct_texts, same_rate

_EVENTS = ("peak", "valley", "manual")
_DROP_ORDER = ("fill", "valley", "peak", "manual")


def merge(base: KeyframePlan | None, edited: KeyframePlan, new: KeyframePlan) -> KeyframePlan:
    """The new KeyframePlan with the artist's changes (base -> edited) carried over; base may be None.

    The rules are those of the module. Raises PlanMismatchError if the plans are for clips of another length or
    rate, PlanError if what the artist placed does not fit into the count of the new plan.
    """
    for plan in (edited, base or edited):
        check_same_clip(plan, new)
    user_edits, refills, removed = _changes(base, edited)
    count = new.count if base and edited.count == base.count else edited.count
    n_kept = len(user_edits) + 1
    if n_kept > count:
        raise PlanError(
            f"The edit keeps {n_kept} keyframes (frame 0 and those placed, changed or locked by hand), but "
            f"the plan has room for {count}; raise the count in Select Keyframes to {n_kept}, or delete or "
            f"unlock {n_kept - count} of them. Nothing was changed."
        )
    predicted = _predicted(base, new, set(user_edits), removed)
    predicted = _drop(predicted, n_kept + len(predicted) - count, sorted(user_edits))
    result = {keyframe.frame: keyframe for keyframe in [*user_edits.values(), *predicted]}
    result[0] = _first(base, edited, new)
    for refill in refills:
        if len(result) < count:
            result.setdefault(refill.frame, refill)
    skipped = set(new.frames) - set(result)
    free = {"n_frames": new.n_frames, "removed": removed, "skipped": skipped}
    while len(result) < count and (frame := roomiest_frame(sorted(result), **free)) is not None:
        result[frame] = Keyframe(frame, "fill", source=REFILL)
    merged = replace(new, extra=_merged_fields(base, edited, new))
    return with_keyframes(merged, result.values())


def check_same_clip(plan: KeyframePlan, new: KeyframePlan) -> None:
    """Raises PlanMismatchError unless a plan has the n_frames and fps of the new one."""
    if plan.n_frames != new.n_frames:
        raise PlanMismatchError(
            f"The edit was made for a clip of {plan.n_frames} frames, and this one has {new.n_frames}; set the length "
            "back in Clip Audio, or choose Keep, Rescale or Reset in Edit Keyframes. Nothing was changed."
        )
    if not same_rate(plan.fps, new.fps, n_frames=new.n_frames):
        before, now = distinct_texts(plan.fps, new.fps)
        raise PlanMismatchError(
            f"The edit was made at {before} fps, and this clip has {now}; set the fps back in Clip Audio, "
            "or choose Keep, Rescale or Reset in Edit Keyframes. Nothing was changed."
        )


def _changes(
    base: KeyframePlan | None, edited: KeyframePlan
) -> tuple[dict[int, Keyframe], list[Keyframe], set[int]]:
    """User edits by frame, refills in order of time, removed frames (rules 1 and 2)."""
    before = {keyframe.frame: keyframe for keyframe in base.keyframes} if base else {}
    user_edits, refills = {}, []
    removed = set(before) - set(edited.frames)
    for keyframe in edited.keyframes[1:]:
        old = before.get(keyframe.frame)
        is_refill = (keyframe.kind, keyframe.source) == ("fill", REFILL) and not keyframe.is_kept
        if old is not None and _same(old, keyframe):
            if keyframe.source == EDIT and old.source != EDIT:
                user_edits[keyframe.frame] = keyframe
        elif is_refill and base is not None:
            refills.append(keyframe)
            removed |= {keyframe.frame} & set(before)
        else:
            user_edits[keyframe.frame] = keyframe
    return user_edits, refills, removed


def _same(a: Keyframe, b: Keyframe) -> bool:
    return replace(a, frame=0, source="") == replace(b, frame=0, source="")


def _predicted(
    base: KeyframePlan | None, new: KeyframePlan, user_edits: set[int], removed: set[int]
) -> list[Keyframe]:
    """The keyframes of `new` that follow, but frame 0 (rules 3 and 4). user_edits and removed are frames."""
    match = {}
    if base is not None:
        for kind in _EVENTS:
            frames_before = [k.frame for k in base.keyframes if k.kind == kind]
            match.update(_match(frames_before, [k.frame for k in new.keyframes if k.kind == kind]))
    taken = user_edits | removed
    near_edit = {
        frame + shift for frame in user_edits for shift in range(-TOLERANCE, TOLERANCE + 1)
    }

    def follows(keyframe: Keyframe) -> bool:
        if keyframe.frame in taken or match.get(keyframe.frame) in taken:
            return False
        is_new_event = keyframe.kind in ("peak", "valley") and keyframe.frame not in match
        return not (is_new_event and keyframe.frame in near_edit)

    return [keyframe for keyframe in new.keyframes[1:] if follows(keyframe)]


def _match(base_frames: list[int], new_frames: list[int]) -> dict[int, int]:
    """{new frame: base frame} of the events that are the same (rule 3). Both lists ascend."""
    known = set(new_frames)
    shifts = range(-TOLERANCE, TOLERANCE + 1)
    pairs = [(abs(s), b, b + s) for b in base_frames for s in shifts if b + s in known]
    to_new, to_base = {}, {}
    for _, b, n in sorted(pairs):
        # pairs that could cross this one start at most twice the tolerance away
        nearby = [x for x in range(b - 2 * TOLERANCE, b + 2 * TOLERANCE + 1) if x in to_new]
        if n not in to_base and all((x < b) == (to_new[x] < n) and x != b for x in nearby):
            to_new[b], to_base[n] = n, b
    return to_base


def _drop(
    predicted: list[Keyframe], n_too_many: int, edited_frames: Collection[int]
) -> list[Keyframe]:
    """`predicted` without as many as are too many (rule 6)."""

    def order(keyframe: Keyframe) -> tuple[bool, int, int, int]:
        distance = min((abs(keyframe.frame - frame) for frame in edited_frames), default=0)
        return keyframe.is_kept, _DROP_ORDER.index(keyframe.kind), distance, keyframe.frame

    if n_too_many <= 0:
        return predicted
    dropped = {keyframe.frame for keyframe in sorted(predicted, key=order)[:n_too_many]}
    return [keyframe for keyframe in predicted if keyframe.frame not in dropped]


def _first(base: KeyframePlan | None, edited: KeyframePlan, new: KeyframePlan) -> Keyframe:
    """Frame 0 (rule 10)."""
    before = base.keyframes[0] if base else Keyframe(0, "first")
    return (new if _same(before, edited.keyframes[0]) else edited).keyframes[0]


def _merged_fields(base: KeyframePlan | None, edited: KeyframePlan, new: KeyframePlan) -> dict:
    """Unknown fields of the plan (rule 9)."""
    before = base.extra if base else {}
    fields = {
        name: value
        for name, value in new.extra.items()
        if name in edited.extra or name not in before
    }
    for name, value in edited.extra.items():
        if name not in before or before[name] != value:
            fields[name] = value
    return fields
