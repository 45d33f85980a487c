"""A folder of videos as what the networks learn from: every clip encoded once, kept in a file.

Encoders and VAE stay as they are in fine-tuning, so they run once for each clip and need no memory afterwards.
"""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from ...errors import KeyVIDError
from ...keyframes.audio.onset import onset_curve
from ...keyframes.curve import MotionCurve, motion_curve
from ...keyframes.motion.measured import measured_curve
from ...keyframes.timebase import FPS, N_FRAMES
from ...models.encoders.mel import SAMPLE_RATE, waveform_to_mel
from ...models.lucas_kanade import motion_scores, small_frames
from ..datasets.clips import CLIP_S, Clip, read_clips
from ..datasets.decode import VideoFileError
from ..datasets.inspection import inspect_video
from ..datasets.layouts import Video, open_dataset
from ..engine.state import Tensors, write_atomically
from ..tasks.encoders import encode, tokenized
from ..vae.file import encode as encode_frames
from .base import Base, fingerprint, load_encoders

logger = logging.getLogger("keyvid.training")
CONDITIONS = ("text", "image", "audio")
# clips of a longer video than this many are spread over it: all of a video's frames are held at a time
MOST_PER_VIDEO = 24
# what takes the place of text, image and sound where they are left out
ABSENT = "absent.safetensors"


class EncodedClip(NamedTuple):
    """latents: float32 (4, 48, h, w), scaled. conditions: {"text" (L, C), "image" (48, Q, C), "audio" (N, D)}.

    motion, sound: MotionCurves of what is seen and of what is heard.
    """

    latents: torch.Tensor
    conditions: Tensors
    motion: MotionCurve
    sound: MotionCurve


def encode_folder(
    root: Path, base: Base, folder: Path, *, size: tuple[int, int], caption: str = ""
) -> list[Path]:
    """The files of the encoded clips of all usable videos below root, in the order of their names; made where absent.

    folder: for the files; those of each base and size lie in a folder of their own below it. size: (height, width) of
    the frames. caption: of videos that lie in no folder of their own. Videos that cannot be used are named in the log,
    with the reason. Raises KeyVIDError when none can be used.
    """
    folder = folder / f"{fingerprint(base)}_{size[1]}x{size[0]}"
    folder.mkdir(parents=True, exist_ok=True)
    videos = open_dataset(root).videos
    encoder = _Encoder(base, size)
    encoder.write_absent(folder / ABSENT)
    paths, unusable = [], 0
    for number, video in enumerate(videos, 1):
        video = video if video.caption else video._replace(caption=caption)
        index = folder / f"{name_of(video)}.json"
        if not index.is_file():
            _encode_video(video, encoder, index)
            logger.info("  %d of %d videos are encoded", number, len(videos))
        known = json.loads(index.read_text(encoding="utf-8"))
        if known["problem"]:
            unusable += 1
            logger.info("  %s cannot be used: %s", video.name, known["problem"])
        paths += [folder / name for name in known["clips"]]
    if not paths:
        raise KeyVIDError(
            f"None of the {len(videos)} videos in {root} can be used; the reasons are above. A clip needs {CLIP_S:g} s "
            "of images with sound."
        )
    logger.info(
        "%d clips of %d videos; %d videos cannot be used.",
        len(paths), len(videos) - unusable, unusable,
    )  # fmt: skip
    return paths


def captions_of(root: Path, caption: str) -> tuple[str, ...]:
    """The captions that the videos below root are trained with, each once."""
    found = [video.caption or caption for video in open_dataset(root).videos]
    return tuple(dict.fromkeys(found))


def name_of(video: Video) -> str:
    """What the encoded clips of a video are filed under: it changes with the file and its caption."""
    digest = hashlib.sha256(f"{video.caption}\0".encode())
    with video.path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()[:24]


def read_encoded(path: Path) -> EncodedClip:
    """The EncodedClip in a file of `encode_folder`."""
    tensors = load_file(path)
    strikes = [(time_s, high, bool(clear)) for time_s, high, clear in tensors["strikes"].tolist()]
    sound = motion_curve(tensors["sound"].numpy(), fps=FPS, source="onset", strikes=strikes)
    return EncodedClip(
        tensors["latents"].float(),
        {name: tensors[name].float() for name in CONDITIONS},
        motion_curve(tensors["motion"].numpy(), fps=FPS, source="flow"),
        sound,
    )


def read_absent(folder: Path) -> Tensors:
    """{"text", "image", "audio": what takes its place where it is left out}, shaped as in EncodedClip."""
    return {name: value.float() for name, value in load_file(folder / ABSENT).items()}


class _Encoder:
    """The encoders of a Base, opened when the first clip needs them."""

    def __init__(self, base: Base, size: tuple[int, int]) -> None:
        self.base, self.size = base, size
        self.opened: tuple[Any, ...] | None = None
        self.device = "cuda" if torch.cuda.is_available() else "cpu"

    def networks(self) -> tuple[Any, ...]:
        """({name: encoder}, VAE), on the device that computes."""
        if self.opened is None:
            encoders, vae = load_encoders(self.base)
            for network in encoders.values():
                network.to(self.device)
            self.opened = encoders, vae.to(self.device)
        return self.opened

    def write_absent(self, path: Path) -> None:
        """Write what stands for absent text, image and sound, unless it is there."""
        if path.is_file():
            return
        silence = np.zeros((1, round(CLIP_S * SAMPLE_RATE)), np.float32)
        grey = torch.zeros(1, 3, *self.size, dtype=torch.uint8)
        conditions = self._conditions("", grey, silence, is_dropped=True)
        write_atomically(path, lambda part: save_file(conditions, part))

    def write(self, clip: Clip, path: Path) -> None:
        """Write a clip as read_encoded reads it."""
        _, vae = self.networks()
        frames = clip.frames.permute(0, 2, 3, 1).numpy()  # (48, H, W, 3)
        latents = encode_frames(vae, frames).transpose(0, 1)  # (4, 48, h, w)
        sound = onset_curve(clip.audio, SAMPLE_RATE, n_frames=N_FRAMES, fps=FPS)
        moved = motion_scores(small_frames(clip.frames)).double().numpy()
        motion = measured_curve(moved, np.arange(N_FRAMES) / FPS, fps=FPS, n_frames=N_FRAMES)
        tensors = {
            "latents": latents.half().contiguous().cpu(),
            "motion": torch.from_numpy(motion.score.copy()),
            "sound": torch.from_numpy(sound.score.copy()),
            "strikes": torch.tensor(sound.strikes or (), dtype=torch.float64).reshape(-1, 3),
            **self._conditions(clip.caption, clip.frames[:1], clip.audio, is_dropped=False),
        }
        write_atomically(path, lambda part: save_file(tensors, part))

    @torch.no_grad()
    def _conditions(
        self, caption: str, frame: torch.Tensor, audio: np.ndarray, *, is_dropped: bool
    ) -> Tensors:
        """What a clip is conditioned on, fp16; frame: uint8 (1, 3, H, W)."""
        encoders, _ = self.networks()
        tokens = tokenized([caption, ""])
        batch = {
            "tokens": tokens[:1],
            "empty": tokens[1],
            "frames": frame.float() / 127.5 - 1,
            "mel": waveform_to_mel(audio)[None],  # (1, 1, bands, columns)
        }
        batch = {name: value.to(self.device) for name, value in batch.items()}
        dropped = torch.full((1,), is_dropped, device=self.device)
        encoded = encode(encoders, batch, dict.fromkeys(CONDITIONS, dropped))
        return {name: value[0].half().contiguous().cpu() for name, value in encoded.items()}


def _encode_video(video: Video, encoder: _Encoder, index: Path) -> None:
    """Write the clips of a video, and then the index that names them or says why there are none."""
    findings, names = inspect_video(video.path), []
    problem = findings.problem
    if not problem:
        n_clips = min(MOST_PER_VIDEO, max(1, int(findings.duration_s / CLIP_S + 1e-6)))
        height, width = encoder.size
        clips = read_clips(video, n_clips=n_clips, height=height, width=width)
        try:
            for number, clip in enumerate(clips):
                names.append(f"{index.stem}_{number:02d}.safetensors")
                encoder.write(clip, index.with_name(names[-1]))
        except VideoFileError as error:
            problem, names = str(error), []
    content = json.dumps({"name": video.name, "problem": problem, "clips": names})
    write_atomically(index, lambda part: part.write_text(content, encoding="utf-8"))
