"""How one keyframe's image passes into the next one's."""

from ...errors import PlanError
from ..values import shown

BLENDS = ("eased", "linear", "hold")


def blend_weight(progress: float, blend: str) -> float:
    """The share in [0, 1] of the later keyframe's image at `progress` in [0, 1) of the gap between the two.

    hold: 0; the image stays until the next keyframe. linear: progress. eased: 3 p^2 - 2 p^3, the cubic that begins and
    ends without speed. Raises PlanError for another blend.
    """
    if blend == "hold":
        return 0.0
    if blend == "linear":
        return progress
    if blend == "eased":
        return progress * progress * (3 - 2 * progress)
    raise PlanError(f"There is no blend {shown(blend)}; choose one of {', '.join(BLENDS)}.")
