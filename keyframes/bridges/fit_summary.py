"""What fitting a plan to a model changed, in sentences."""

from ..plan import Keyframe, KeyframePlan
from .fit_plan import FittedPlan
from .model_grid import CUSTOM, ModelPreset


def fit_summary(
    before: KeyframePlan,
    fitted: FittedPlan,
    preset: ModelPreset,
    *,
    sound_s: float | None,
) -> str:
    """The summary of Fit Plan To Model, one sentence a line. sound_s: how long the sound was, None without one."""
    plan = fitted.plan
    length_s = plan.n_frames / plan.fps
    model = "" if preset.name == CUSTOM else f" for {preset.name}"
    lines = [
        f"{before.n_frames} frames at {before.fps:g} fps became {plan.n_frames} frames at {plan.fps:g} fps "
        f"({length_s:.2f} s){model}; {plan.count} of {before.count} keyframes stay."
    ]
    if fitted.merged:
        pairs = ", ".join(f"{_named(gone)} to {_named(stays)}" for gone, stays in fitted.merged)
        lines.append(f"On the same frame, so that the weaker gives way: {pairs}.")
    if fitted.beyond:
        beyond = ", ".join(map(_named, fitted.beyond))
        lines.append(f"Behind the new end and left out: {beyond}.")
    if fitted.longest_shift_s >= 0.0005:
        lines.append(
            f"Keyframes move by at most {1000 * fitted.longest_shift_s:.0f} ms, to the nearest frame."
        )
    if sound_s is not None:
        lines += _of_sound(length_s - sound_s)
    if preset.trained_from is not None and plan.n_frames < preset.trained_from:
        lines.append(
            f"{preset.name} was trained on {preset.trained_from} frames and more; if the result is poor, set frames "
            f"to {preset.trained_from} or take a longer piece in Clip Audio."
        )
    return "\n".join(lines)


def _of_sound(missing_s: float) -> list[str]:
    if missing_s >= 0.0005:
        return [f"The sound ends with {missing_s:.3f} s of silence."]
    if missing_s <= -0.0005:
        return [f"The last {-missing_s:.3f} s of the sound are left out."]
    return []


def _named(keyframe: Keyframe) -> str:
    locked = ", locked" if keyframe.locked else ""
    return f"frame {keyframe.frame} ({keyframe.kind}{locked})"
