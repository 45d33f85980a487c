"""Training data of the diffusion networks: clips as latents, mel and ground truth, made once with the VAE."""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from ...errors import KeyVIDError
from ...keyframes.timebase import N_FRAMES
from ...models.encoders.mel import N_BINS, N_COLUMNS, waveform_to_mel
from ..recipe import CHECK_SEEDS, HEIGHT, LATENT_HEIGHT, LATENT_WIDTH, TRAINING_SEEDS, VAE, WIDTH
from ..vae.file import encode, load_vae
from ..world.clip import CAPTIONS as SCENE_CAPTIONS
from ..world.clip import SCENES, WorldClip, render_clip
from ..world.timing import MAX_EVENTS
from .records import Report, open_records, record_files

CLIPS_PER_FILE = 50
NO_EVENT = -1
CAPTIONS = tuple(caption for scene in SCENES for caption in SCENE_CAPTIONS[scene])

CLIP = np.dtype(
    [
        ("latent", np.float16, (N_FRAMES, VAE.embed_channels, LATENT_HEIGHT, LATENT_WIDTH)),
        ("mel", np.float16, (N_BINS, N_COLUMNS)),
        ("motion", np.float32, (N_FRAMES,)),
        ("event_frames", np.int16, (MAX_EVENTS,)),  # NO_EVENT beyond the last
        ("event_strengths", np.float32, (MAX_EVENTS,)),
        ("first_frame", np.uint8, (HEIGHT, WIDTH, 3)),
        ("caption", np.int16),  # its number in CAPTIONS
        ("scene", np.int16),  # its number in SCENES
    ]
)


def open_clips(state_dir: Path, *, seeds: range, report: Report | None = None) -> list[np.ndarray]:
    """The CLIPs of these seeds (a range): a list of read-only, memory-mapped arrays.

    Those that are not there yet are made, with the VAE that `vae.file.freeze_vae` wrote.
    report(done, total): called after each file that had to be made. Raises KeyVIDError when there is no VAE.
    """
    loaded: list[AutoencoderKL] = []  # the VAE, once it is needed

    def make(block: range) -> np.ndarray:
        if not loaded:
            loaded.append(load_vae(state_dir / "vae").to(_device()))
        with _rendered(block) as made:
            return np.array([clip_record(clip, loaded[0]) for clip in made], CLIP)

    folder = state_dir / "data"
    return open_records(
        record_files(
            folder, "clips", seeds=seeds, per_file=CLIPS_PER_FILE, make=make, report=report
        )
    )


def make_clips_for(
    state_dir: Path, *, minutes: float, n_clips: int, report: Report | None = None
) -> int:
    """Make CLIPs to learn from for some minutes, one file at least, n_clips at most; returns how many there are."""
    started_s, n = time.monotonic(), available_clips(state_dir)
    while n < n_clips and (not n or time.monotonic() - started_s < 60 * minutes):
        block = TRAINING_SEEDS[n : min(n + CLIPS_PER_FILE, n_clips)]
        open_clips(state_dir, seeds=block)
        n += len(block)
        if report:
            report(n, n_clips)
    return n


def training_clips(state_dir: Path) -> list[np.ndarray]:
    """The CLIPs that have been made to learn from, as open_clips gives them. Raises KeyVIDError when there are none."""
    n = available_clips(state_dir)
    if not n:
        raise KeyVIDError(
            f"There are no clips in {state_dir / 'data'} to learn from; run: python dev.py train data"
        )
    return open_clips(state_dir, seeds=TRAINING_SEEDS[:n])


def clips_and_vae(
    state_dir: Path, *, report: Report | None = None
) -> tuple[list[np.ndarray], np.ndarray, AutoencoderKL]:
    """(training CLIPs, held-out CLIPs (n,) to sample, the frozen VAE): the inputs of both diffusion trainings.

    Held-out clips that are not there yet are made. Raises KeyVIDError when there are no clips or no VAE.
    """
    clips = training_clips(state_dir)
    held_out = open_clips(state_dir, seeds=CHECK_SEEDS, report=report)
    return clips, np.concatenate(held_out), load_vae(state_dir / "vae")


def available_clips(state_dir: Path) -> int:
    """How many clips, counted from the first training seed, have been made without a gap."""
    n = 0
    while True:
        first = TRAINING_SEEDS.start + n
        ends = (state_dir / "data").glob(f"clips_{first:08d}_*.npy")
        # where a smaller number of clips was asked for once, two files begin with the same clip
        end = max((int(path.stem.rpartition("_")[2]) for path in ends), default=None)
        if end is None:
            return n
        n = end - TRAINING_SEEDS.start


def _device() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


@contextlib.contextmanager
def _rendered(seeds: range) -> Iterator[Iterable[WorldClip]]:
    """The clips of these seeds, one after the other: rendered by every core where a GPU encodes them.

    Without one, encoding takes fifteen times as long as rendering and has the cores for itself.
    """
    if _device() == "cpu" or "fork" not in multiprocessing.get_all_start_methods():
        yield map(render_clip, seeds)
        return
    # forked, because a new process could not import the pack by its name; the children do not touch the GPU
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        yield pool.imap(render_clip, seeds)


def clip_record(clip: WorldClip, vae: AutoencoderKL) -> np.ndarray:
    """A world clip as one CLIP."""
    record = np.zeros((), CLIP)
    record["latent"] = encode(vae, clip.frames).cpu().numpy()
    record["mel"] = waveform_to_mel(clip.audio[None])[0].numpy()
    record["motion"] = clip.motion
    record["event_frames"] = NO_EVENT
    for index, event in enumerate(clip.events):
        record["event_frames"][index] = event.frame
        record["event_strengths"][index] = event.strength
    record["first_frame"] = clip.frames[0]
    record["caption"] = CAPTIONS.index(clip.caption)
    record["scene"] = SCENES.index(clip.scene)
    return record


def clip_latents(records: np.ndarray) -> torch.Tensor:
    """The latents of CLIPs (B,) as the UNet sees them, float32 (B, 4, 48, h, w)."""
    return torch.from_numpy(records["latent"].astype(np.float32)).transpose(1, 2)
