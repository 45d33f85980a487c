"""The frame rates and lengths that video models make.

A model's latents group frames, so its videos have `step * k + offset` frames: 8k + 1 (LTX), 4k + 1 (Wan), 17k + 5
(MiniMax H3; `align_frame_count` in ComfyUI's nodes_minimax_h3.py).
"""

from typing import NamedTuple

from ...errors import PlanError
from ..timebase import MAX_N_FRAMES, fps_fraction
from ..values import is_whole, shown

CUSTOM = "custom"


class Grid(NamedTuple):
    """The lengths step * k + offset, in frames, from `shortest` on. name: as an artist chooses it."""

    name: str
    step: int
    offset: int
    shortest: int

    def at_least(self, n_frames: int) -> int:
        """The shortest length on the grid that is not below `n_frames`."""
        n_frames = max(n_frames, self.shortest)
        return n_frames + (self.offset - n_frames) % self.step

    def has(self, n_frames: int) -> bool:
        """Whether a video of the grid can have `n_frames` frames."""
        return self.at_least(n_frames) == n_frames

    def neighbours(self, n_frames: int) -> list[int]:
        """The nearest lengths below and above one that is not on the grid, the lower one only if there is one."""
        above = self.at_least(n_frames)
        return [n for n in (above - self.step, above) if n >= self.shortest]


# shortest: a plan has at least 2 frames, and 8k + 1 and 4k + 1 begin with 1
GRIDS = {
    grid.name: grid
    for grid in (
        Grid("any", 1, 0, 2),
        Grid("8n+1", 8, 1, 9),
        Grid("4n+1", 4, 1, 5),
        Grid("17k+5", 17, 5, 5),
    )
}


class ModelPreset(NamedTuple):
    """What a model makes. longest and trained_from: in frames; what is longer than `longest` it was not made for, what
    is shorter than `trained_from` it makes, untrained. None: no such bound is known."""

    name: str
    fps: float
    grid: Grid
    longest: int | None
    trained_from: int | None = None


def _preset(
    name: str, fps: float, grid: str, longest: int, trained_from: int | None = None
) -> ModelPreset:
    return ModelPreset(f"{name}, {fps:g} fps", fps, GRIDS[grid], longest, trained_from)


# LTX-2: up to 20 s. Wan 2.1 and 2.2, 5B and Dancer: the lengths of ComfyUI's own templates, which are those they were
# trained on. H3: the range that ComfyUI's nodes_minimax_h3.py states
PRESETS = {
    preset.name: preset
    for preset in (
        _preset("LTX-2.x", 24, "8n+1", 481),
        _preset("LTX-2.x", 25, "8n+1", 505),
        _preset("LTX-2.x", 50, "8n+1", 1001),
        _preset("Wan 2.1 and 2.2 14B", 16, "4n+1", 81),
        _preset("Wan 2.2 5B", 24, "4n+1", 121),
        _preset("Wan Dancer", 30, "4n+1", 149),
        _preset("MiniMax H3", 24, "17k+5", 362, 124),
    )
}
MODELS = (*PRESETS, CUSTOM)


def model_preset(model: str, *, fps: float, grid: str) -> ModelPreset:
    """The preset of one of MODELS; for "custom" one of this frame rate and one of GRIDS. Raises PlanError."""
    if model in PRESETS:
        return PRESETS[model]
    if model != CUSTOM:
        raise PlanError(
            f"There is no model {shown(model)} in the list; choose one of {', '.join(MODELS)}."
        )
    fps_fraction(fps)
    return ModelPreset(CUSTOM, float(fps), grid_named(grid), None)


def grid_named(name: str) -> Grid:
    """One of GRIDS. Raises PlanError for another name."""
    if name not in GRIDS:
        raise PlanError(f"There is no grid {shown(name)}; choose one of {', '.join(GRIDS)}.")
    return GRIDS[name]


def length_for(preset: ModelPreset, needed: int, *, n_frames: int = 0, any_length: bool) -> int:
    """How many frames a model makes for a plan that lasts `needed` frames at its rate.

    n_frames: the length that the artist asks for; 0 for the shortest one that holds the plan. any_length: whether it
    may be longer than what the model was made for. Raises PlanError saying what to set.
    """
    grid = preset.grid
    if n_frames == 0:
        length = grid.at_least(needed)
    elif not is_whole(n_frames) or not 2 <= n_frames <= MAX_N_FRAMES:
        raise PlanError(
            f"The number of frames is {shown(n_frames)}; give a whole number from 2 to {MAX_N_FRAMES}, or 0 for the "
            "shortest that holds the plan."
        )
    elif not grid.has(n_frames):
        nearest = " or ".join(map(str, grid.neighbours(n_frames)))
        raise PlanError(
            f"{n_frames} frames are not of the form {grid.name}, which {_named(preset)} needs; set frames to "
            f"{nearest}, or to 0 for the shortest that holds the plan ({grid.at_least(needed)})."
        )
    else:
        length = n_frames
    if preset.longest is not None and length > preset.longest and not any_length:
        raise PlanError(
            f"{length} frames are {length / preset.fps:.2f} s, and {_named(preset)} is made for at most "
            f"{preset.longest} ({preset.longest / preset.fps:.2f} s). Take a shorter piece in Clip Audio, set frames "
            f"to {preset.longest} to leave out the rest, or switch any length on to try it; Keyframe Segments makes a "
            "long video in pieces."
        )
    return length


def _named(preset: ModelPreset) -> str:
    return "the grid" if preset.name == CUSTOM else preset.name
