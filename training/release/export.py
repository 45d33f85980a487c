"""`python dev.py export`: from training states to the weight files that the pack ships, in the published layout.

A file is written in fp16, with the "keyvid" metadata block for what shapes cannot tell, and is checked by
`models.checkpoints` before it replaces an older one. The logs of the trainings are copied too (learning_curves.py).
"""

import argparse
import hashlib
import logging
from collections.abc import Iterable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from ...errors import KeyVIDError
from ...models.build import check_part
from ...models.checkpoint import layouts
from ...models.checkpoint.checkpoint import open_tensors
from ...models.checkpoint.metadata import Metadata, metadata_block
from .. import recipe
from ..engine import state
from ..engine.state import Tensors
from ..vae.file import FILE_NAME as VAE_FILE_NAME
from ..vae.file import same_encoder
from ..vae.names import DECODER, to_latent_diffusion
from . import learning_curves

logger = logging.getLogger("keyvid.training")
WEIGHTS = Path(__file__).resolve().parents[2] / "models" / "weights"
CHECKSUMS = "SHA256SUMS"
LICENCE = "Apache-2.0"
LARGEST_BYTES = 35 * 2**20  # of all shipped files together
# the published prefix of each part's names in a whole file (published-model a.2)
PREFIXES = {
    layouts.UNET: "model.diffusion_model.",
    layouts.RESAMPLER: "image_proj_model.",
    layouts.VAE: "first_stage_model.",
    layouts.TEXT: "cond_stage_model.model.",
    layouts.VISION: "embedder.model.visual.",
    layouts.AUDIO: "imagebind_model.",
    layouts.LOCALIZER: "",
}
# file -> (the name it shows, {part: the training whose averages it has}); the VAE comes from its own file
FILES = {
    "keyvid_small_generator": (
        "KeyVID small generator",
        {
            layouts.UNET: "generator",
            layouts.RESAMPLER: "generator",
            layouts.TEXT: "generator",
            layouts.VISION: "generator",
            layouts.AUDIO: "audio",
            layouts.VAE: "vae",
        },
    ),
    "keyvid_small_interpolator": (
        "KeyVID small interpolator",
        {layouts.UNET: "interpolator", layouts.RESAMPLER: "generator"},
    ),
    "keyvid_small_localizer": ("KeyVID small localizer", {layouts.LOCALIZER: "localizer"}),
}


def export(file_name: str, *, state_dir: Path, target_dir: Path = WEIGHTS) -> Path:
    """Write one of FILES; returns its path. Raises KeyVIDError when a training it needs has no state."""
    return _write(file_name, trained_parts(file_name, state_dir), target_dir)


def trained_parts(file_name: str, state_dir: Path) -> dict[str, Tensors]:
    """{part: {name in the network: tensor}} of one of FILES as trained. Raises KeyVIDError."""
    _, sources = FILES[file_name]
    return {part: trained_part(part, name, state_dir) for part, name in sources.items()}


def _write(file_name: str, parts: dict[str, Tensors], folder: Path) -> Path:
    title, _ = FILES[file_name]
    return write_weights(folder / f"{file_name}.safetensors", parts, metadata_of(title, parts))


def write_weights(path: Path, parts: dict[str, Tensors], metadata: Metadata) -> Path:
    """Write {part: {name in the network: tensor}} as one weight file in fp16, checked before it replaces an older one.

    Raises CheckpointError when a part does not fit the network that its shapes tell.
    """
    tensors = {
        PREFIXES[part] + name: _stored(tensor)
        for part, named in parts.items()
        for name, tensor in named.items()
    }
    checkpoint = open_tensors(tensors, metadata)
    for part in parts:
        check_part(checkpoint, part)
    path.parent.mkdir(parents=True, exist_ok=True)
    state.write_atomically(
        path, lambda part: save_file(tensors, part, metadata=metadata_block(metadata))
    )
    return path


def metadata_of(title: str, parts: dict[str, Tensors]) -> Metadata:
    """The Metadata of a file with these parts, by the recipe."""
    head_widths = {
        layouts.UNET: recipe.GENERATOR.head_width,
        layouts.RESAMPLER: recipe.RESAMPLER.head_width,
        layouts.TEXT: recipe.TEXT.width // recipe.TEXT.heads,
        layouts.VISION: recipe.VISION.width // recipe.VISION.heads,
        layouts.AUDIO: recipe.AUDIO.width // recipe.AUDIO.heads,
        layouts.LOCALIZER: recipe.LOCALIZER_TOWER.width // recipe.LOCALIZER_TOWER.heads,
    }
    tower = recipe.LOCALIZER_TOWER if layouts.LOCALIZER in parts else recipe.AUDIO
    return Metadata(
        head_widths={part: width for part, width in head_widths.items() if part in parts},
        keyframe_counts=recipe.KEYFRAME_COUNTS,
        n_frames=recipe.RESAMPLER.n_frames,
        queries=recipe.QUERIES_PER_FRAME,
        audio_stride=tower.stride,
        mel_columns=tower.n_columns,
        licence=LICENCE,
        name=title,
    )


def write_checksums(folder: Path) -> None:
    """Write SHA256SUMS, as `sha256sum -c` reads it, for the weight files of a folder."""
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.glob("*.safetensors"))
    ]
    state.write_atomically(
        folder / CHECKSUMS,
        lambda part: part.write_text("".join(lines), encoding="utf-8", newline="\n"),
    )


def main(*words: str) -> int:
    """Write the files that the words name, all by default; returns the exit status."""
    parser = argparse.ArgumentParser("python dev.py export")
    parser.add_argument("names", nargs="*", metavar="FILE", help=f"some of {', '.join(FILES)}")
    parser.add_argument("--state-dir", metavar="DIR", help="default: in the user's data folder")
    options = parser.parse_args(words)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        _export_all(options.names or FILES, state.state_dir(options.state_dir))
    except KeyVIDError as error:
        logger.error("%s", error)
        return 1
    return 0


def _export_all(names: Iterable[str], state_dir: Path) -> None:
    for name in names:
        if name not in FILES:
            raise KeyVIDError(
                f'There is no file "{name}" to export; choose from {", ".join(FILES)}.'
            )
    # all of it before any file is replaced
    trained = {name: trained_parts(name, state_dir) for name in names}
    for name, parts in trained.items():
        path = _write(name, parts, WEIGHTS)
        logger.info("%s: %.1f MB", path.name, path.stat().st_size / 1e6)
    write_checksums(WEIGHTS)
    learning_curves.record(
        state_dir, {training for name in names for training in FILES[name][1].values()}
    )
    total = sum(path.stat().st_size for path in WEIGHTS.glob("*.safetensors"))
    logger.info("all files together: %.1f of %.1f MB", total / 1e6, LARGEST_BYTES / 1e6)
    if total > LARGEST_BYTES:
        raise KeyVIDError(
            f"The weight files have {total / 1e6:.1f} MB together, more than the {LARGEST_BYTES / 1e6:.1f} MB that the "
            "pack ships; make a network smaller in training/recipe.py."
        )


def trained_part(part: str, training: str, state_dir: Path) -> Tensors:
    """{name in the network: tensor} of a part as trained. Raises KeyVIDError when it has no state."""
    folder = state_dir / training
    if part == layouts.VAE:
        path = folder / VAE_FILE_NAME
        if path.is_file():
            return _with_decoder(load_file(path), state_dir / "decoder")
    else:
        saved = state.load_state(folder)
        if saved is not None and part in saved["averages"]:
            return saved["averages"][part]
    raise KeyVIDError(
        f"The training {training} in {state_dir} has no {part} network yet; run: python dev.py train {training}"
    )


def _with_decoder(tensors: Tensors, folder: Path) -> Tensors:
    """The frozen VAE's tensors with the decoder that was trained further in a folder, if there is one."""
    saved = state.load_state(folder)
    if saved is None:
        return tensors
    further = to_latent_diffusion(saved["averages"]["vae"], recipe.VAE)
    if not same_encoder(tensors, further):
        raise KeyVIDError(
            f"The decoder in {folder} was trained beside another encoder than the frozen VAE's; remove that folder and "
            "train it again: python dev.py train decoder"
        )
    return {
        name: further[name] if name.startswith(DECODER) else tensor
        for name, tensor in tensors.items()
    }


def _stored(tensor: torch.Tensor) -> torch.Tensor:
    return (tensor.half() if tensor.is_floating_point() else tensor).contiguous().cpu()
