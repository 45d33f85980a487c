"""One clip of the world from one number: images, sound, and everything that is true about them."""

from dataclasses import dataclass

import numpy as np

from ...errors import KeyVIDError
from ...keyframes.timebase import N_FRAMES
from . import distractors
from .scene_description import SceneDescription
from .scenes import anvil, ball, cannon, drip, drum, metronome, plucked_string, sea
from .sound import SAMPLE_RATE
from .stage import Stage, draw_stage, gradient, paint
from .timing import WorldEvent, in_clip

SCENE_MODULES = {
    "ball": ball,
    "anvil": anvil,
    "drum": drum,
    "metronome": metronome,
    "cannon": cannon,
    "string": plucked_string,
    "drip": drip,
    "sea": sea,
}
SCENES = tuple(SCENE_MODULES)
CAPTIONS = {name: module.CAPTIONS for name, module in SCENE_MODULES.items()}
# training uses lower seeds only; evaluation uses this one and higher
HELD_OUT_FIRST_SEED = 1_000_000
LEAST_SIDE = 32  # pixels: smaller, and strikes cannot be seen
CLEAN_LEVEL_DB = -3.0  # of the loudest sample of a sound without distractors


@dataclass(frozen=True)
class WorldClip:
    """Two seconds of the world, 48 frames at 24 fps. Frame f begins at f / 24 s.

    scene, caption: the scene's name and one wording of what is seen.
    frames: uint8 (48, H, W, 3), RGB. audio: float32 (32000,) mono in [-1, 1], at sample_rate Hz.
    events: tuple of WorldEvent in order; the frame of each is the one on which it is seen, nearest to its sound.
    motion: float32 (48,), the mean over all pixels of |u| + |v|, pixels per frame, of the flow from the frame before
        into this one (frame 0: from an unseen frame before it). It is the flow of the moving objects as they were
        placed, where they are seen: exact, not estimated. Distractors count as still.
    track: float32 (48, 2), (x, y) in pixels of the thing that strikes; pixel (0, 0) has its centre at 0, 0.
    contact: bool (48,), whether it touches what it strikes (the boat: always).
    background_mask: bool (H, W), pixels that are the same in every frame.
    seed: what the clip was made from.
    """

    scene: str
    caption: str
    frames: np.ndarray
    audio: np.ndarray
    sample_rate: int
    events: tuple[WorldEvent, ...]
    motion: np.ndarray
    track: np.ndarray
    contact: np.ndarray
    background_mask: np.ndarray
    seed: int


def render_clip(
    seed: int,
    *,
    scene: str | None = None,
    height: int = 96,
    width: int = 128,
    with_distractors: bool = True,
) -> WorldClip:
    """The clip of a seed (int >= 0): the same numbers at every call.

    scene: a name in SCENES; by default the seed decides. height, width: pixels, 32 at least; the same scene is
    drawn at any size. with_distractors: False leaves out noise, hum, reverberation, level, lighting and all
    that drifts; events, motion, track and contact stay as they are.
    Returns a WorldClip. Raises KeyVIDError for a scene that does not exist, a negative seed, or too small an image.
    """
    _check(seed, scene, height, width)
    which, scene_rng, camera, disturbance = streams(seed)
    drawn_scene, wording = _drawn_scene(which), which.random()
    scene = scene or drawn_scene
    captions = CAPTIONS[scene]
    description = SCENE_MODULES[scene].make(scene_rng)
    stage = draw_stage(camera, height=height, width=width)
    frames, motion = _render_frames(stage, description, disturbance if with_distractors else None)
    events = in_clip(description.events)
    if with_distractors:
        audio = distractors.disturb_sound(disturbance, description.sound, events)
    else:
        audio = distractors.at_level(description.sound, CLEAN_LEVEL_DB)
    track = [stage.to_pixels(*description.track(frame)) for frame in range(N_FRAMES)]
    return WorldClip(
        scene=scene,
        caption=captions[int(wording * len(captions))],
        frames=frames,
        audio=audio,
        sample_rate=SAMPLE_RATE,
        events=events,
        motion=motion,
        track=np.array(track, np.float32),
        contact=np.array([description.contact(frame) for frame in range(N_FRAMES)], bool),
        background_mask=(frames == frames[0]).all(axis=(0, 3)),
        seed=seed,
    )


def scene_of(seed: int) -> str:
    """The name of the scene that a seed decides on."""
    return _drawn_scene(streams(seed)[0])


def streams(seed: int) -> list[np.random.Generator]:
    """The random generators of a clip: scene and wording, scene description, camera, distractors.

    Each has a stream of its own, so that none depends on another.
    """
    return [
        np.random.Generator(np.random.PCG64(stream))
        for stream in np.random.SeedSequence(seed).spawn(4)
    ]


def _drawn_scene(which: np.random.Generator) -> str:
    return SCENES[which.integers(len(SCENES))]


def _render_frames(
    stage: Stage, description: SceneDescription, disturbance: np.random.Generator | None
) -> tuple[np.ndarray, np.ndarray]:
    """(frames uint8 (48, H, W, 3), motion float32 (48,)); disturbance is a random generator or None."""
    drift, light = None, np.ones((N_FRAMES, 1, 1, 1), np.float32)
    if disturbance is not None:
        drift = distractors.draw_drift(disturbance, description.palette)
        light = distractors.draw_flicker(disturbance)[:, None, None, None] * (
            distractors.draw_lighting(disturbance, height=stage.height, width=stage.width)
        )
    empty = gradient(stage, description.palette.top, description.palette.bottom)
    paint(stage, empty, description.backdrop)
    frames = np.empty((N_FRAMES, stage.height, stage.width, 3), np.uint8)
    motion = np.empty(N_FRAMES, np.float32)
    for frame in range(N_FRAMES):
        image, flow = empty, np.zeros((stage.height, stage.width, 2), np.float32)
        if drift is not None:
            image = gradient(stage, description.palette.top, description.palette.bottom)
            paint(stage, image, [*drift(frame), *description.backdrop])
        image = image.copy()
        paint(stage, image, description.parts(frame), flow)
        motion[frame] = np.abs(flow).sum() / (stage.height * stage.width)
        frames[frame] = np.clip(image * light[frame] * 255 + 0.5, 0, 255).astype(np.uint8)
    return frames, motion


def _check(seed: int, scene: str | None, height: int, width: int) -> None:
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise KeyVIDError(f"The seed is {seed}; give a whole number from 0 on.")
    if scene is not None and scene not in SCENE_MODULES:
        raise KeyVIDError(f'There is no scene "{scene}"; choose one of {", ".join(SCENES)}.')
    if min(height, width) < LEAST_SIDE:
        raise KeyVIDError(
            f"The clip would be {width} x {height} pixels; make it at least {LEAST_SIDE} x {LEAST_SIDE}."
        )
