"""Which network a file holds, recognised by the names and shapes of its tensors (published-model a.1, a.2, g.1, g.2).

A KeyVID or DynamiCrafter file is made of parts, each under a prefix of its own. Files differ in what comes before
the names (`model.diffusion_model.` or nothing, `module.` from training) and in which parts they have; a part that is
absent can come from elsewhere. DynamiCrafter 512, its interpolation variant and 1024 have the same names and shapes:
they are one kind here, and what sets them apart is how they are used.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...errors import CheckpointError, CheckpointUnknownError
from ..config_inference import Shape
from .state_dict_diff import printable

GENERATOR, INTERPOLATOR, DYNAMICRAFTER = "generator", "interpolator", "dynamicrafter"
IMAGEBIND, LOCALIZER, RAFT = "imagebind", "localizer", "raft"
TITLES = {
    GENERATOR: "KeyVID keyframe generator",
    INTERPOLATOR: "KeyVID interpolator",
    DYNAMICRAFTER: "DynamiCrafter 512 (image animation or interpolation: their files look alike)",
    IMAGEBIND: "ImageBind",
    LOCALIZER: "KeyVID keyframe localizer",
    RAFT: "RAFT optical flow",
}
# the same as a message names a file: "This file is ..."
A_FILE = {
    GENERATOR: f"a {TITLES[GENERATOR]}",
    INTERPOLATOR: f"a {TITLES[INTERPOLATOR]}",
    DYNAMICRAFTER: TITLES[DYNAMICRAFTER],
    IMAGEBIND: TITLES[IMAGEBIND],
    LOCALIZER: f"a {TITLES[LOCALIZER]}",
    RAFT: TITLES[RAFT],
}
UNET, RESAMPLER, VAE, TEXT, VISION, AUDIO = "unet", "resampler", "vae", "text", "vision", "audio"

# a part: the prefix of its names in a whole file, and one name that every file with the part has
_PARTS = {
    RESAMPLER: ("image_proj_model.", "latents"),
    VAE: ("first_stage_model.", "decoder.conv_in.weight"),
    TEXT: ("cond_stage_model.model.", "token_embedding.weight"),
    VISION: ("embedder.model.visual.", "conv1.weight"),
    AUDIO: ("imagebind_model.", "modality_trunks.audio.blocks.0.attn.in_proj_weight"),
}
_UNET_PREFIXES = ("model.diffusion_model.", "diffusion_model.")
_UNET_NAMES = (
    "input_blocks.1.0.temopral_conv.conv1.0.weight",  # spelled so, by this family alone
    "input_blocks.0.0.weight",
    "time_embed.0.weight",
    "out.2.weight",
)
_AUDIO_NAMES = (
    "modality_trunks.audio.blocks.0.attn.in_proj_weight",
    "modality_preprocessors.audio.rgbt_stem.proj.weight",
)
# prefixes of the audio tower; the heads and every other modality of ImageBind are not used (published-model d.2)
AUDIO_PREFIXES = ("modality_preprocessors.audio.", "modality_trunks.audio.")
# ImageBind's prefix in a localizer, and in a video model's file
_IMAGEBIND_INSIDE = ("imagebindMoodel.", "imagebind_model.")
_LOCALIZER_NAMES = (
    "imagebindMoodel.modality_trunks.audio.blocks.0.attn.in_proj_weight",  # spelled so
    "linear1.weight",
    "linear2.weight",
    "linear3.weight",
)
_LOCALIZER_STEMS = (
    "linear",
    "ada_",
    *(f"imagebindMoodel.{prefix}" for prefix in AUDIO_PREFIXES),
)
_RAFT_NAMES = (
    ("fnet.conv1.weight", "cnet.conv1.weight", "update_block.gru.convz1.weight"),
    # the names torchvision gives them
    (
        "feature_encoder.convnormrelu.0.weight",
        "context_encoder.convnormrelu.0.weight",
        "update_block.recurrent_block.convgru1.convz.weight",
    ),
)
# families that could be mistaken for KeyVID's: (what a name contains, what the file then is)
_OTHERS = (
    ("lora_", "a LoRA"),
    (".lora_", "a LoRA"),
    ("imagebindMoodel.", "a part of a KeyVID localizer"),
    ("imagebind_model.", "a part of a KeyVID file"),
    ("temopral_conv.", "a part of a KeyVID or DynamiCrafter file"),
    ("embedder.model.visual.", "a part of a KeyVID or DynamiCrafter file"),
    ("down_blocks.0.", "a network under the names of diffusers"),
    ("double_blocks.0.", "a transformer of the Flux family"),
    ("input_blocks.0.0.weight", "a diffusion network for images or of another video model"),
    ("decoder.conv_in.weight", "a VAE alone; load it with Load VAE"),
    ("text_model.encoder.layers.0.", "a CLIP text encoder; load it with Load CLIP"),
    ("vision_model.encoder.layers.0.", "a CLIP vision encoder; load it with Load CLIP Vision"),
    ("visual.conv1.weight", "an OpenCLIP file; load it with Load CLIP Vision"),
    ("image_proj_model.latents", "an image projection without its video network"),
    ("update_block.gru.convz.weight", "the small RAFT; the large one is needed"),
)


@dataclass(frozen=True)
class Layout:
    """kind: one of TITLES. prefixes: {part: what comes before its names in the file}, for the parts it has."""

    kind: str
    prefixes: dict[str, str]

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that the file has, by name."""
        return tuple(self.prefixes)

    @property
    def file(self) -> str:
        """What a file of this layout is, for "This file is ..."; ImageBind under a larger file's prefix is a part."""
        prefix = self.prefixes.get(AUDIO, "")
        if self.kind != IMAGEBIND or not prefix.endswith(_IMAGEBIND_INSIDE):
            return A_FILE[self.kind]
        whole = A_FILE[LOCALIZER] if prefix.endswith(_IMAGEBIND_INSIDE[0]) else "a KeyVID file"
        return f"a part of {whole}, its {TITLES[IMAGEBIND]}"


def recognise(shapes: Mapping[str, Shape]) -> Layout:
    """The Layout behind {name: shape}; only what inference needs counts as a part.

    Raises CheckpointUnknownError, which names what was searched for and some of what was found.
    """
    prefix = _prefix_of(shapes, _UNET_NAMES)
    if prefix is not None:
        return _video_layout(shapes, prefix)
    prefix = _prefix_of(shapes, _LOCALIZER_NAMES)
    if prefix is not None:
        return Layout(LOCALIZER, {LOCALIZER: prefix})
    prefix = _prefix_of(shapes, _AUDIO_NAMES)
    if prefix is not None:
        return Layout(IMAGEBIND, {AUDIO: prefix})
    for names in _RAFT_NAMES:
        prefix = _prefix_of(shapes, names)
        if prefix is not None:
            return Layout(RAFT, {RAFT: prefix})
    raise _unknown(shapes)


def part_names(layout: Layout, part: str, names: Iterable[str]) -> dict[str, str]:
    """{name in the file: name in the network} of one part. The audio part keeps its `modality_*` names and drops
    ImageBind's heads and other modalities.

    Raises CheckpointError when the file has no such part.
    """
    if part not in layout.prefixes:
        raise CheckpointError(
            f"The file is {layout.file} without the part {part} (it has {', '.join(layout.parts)}); "
            "load that part from a file of its own."
        )
    prefix = layout.prefixes[part]
    found = {name: name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    if part == AUDIO:
        return {name: short for name, short in found.items() if short.startswith(AUDIO_PREFIXES)}
    if part == LOCALIZER:
        return {name: short for name, short in found.items() if short.startswith(_LOCALIZER_STEMS)}
    if part == UNET and not prefix:  # without a prefix everything begins like the UNet
        others = tuple(other for key, other in layout.prefixes.items() if key != UNET)
        return {name: short for name, short in found.items() if _is_unet_name(short, others)}
    return found


_UNET_STEMS = (
    "time_embed.", "fps_embedding.", "frame_idx_embedding.", "audio_proj_2.", "init_attn.", "input_blocks.",
    "middle_block.", "output_blocks.", "out.",
)  # fmt: skip


def _is_unet_name(name: str, other_prefixes: tuple[str, ...]) -> bool:
    return name.startswith(_UNET_STEMS) and not name.startswith(other_prefixes)


def _prefix_of(shapes: Mapping[str, Shape], names: Sequence[str]) -> str | None:
    """What comes before the names in a file that has them all, the shortest; None when it lacks one."""
    first, *rest = names
    ends = [name.removesuffix(first) for name in shapes if name.endswith(first)]
    whole = [
        prefix
        for prefix in ends
        if (not prefix or prefix.endswith(".")) and all(prefix + name in shapes for name in rest)
    ]
    return min(whole, key=len, default=None)


def _video_layout(shapes: Mapping[str, Shape], prefix: str) -> Layout:
    """The Layout of a video model whose UNet's names begin with prefix. Raises CheckpointUnknownError."""
    unet = {name.removeprefix(prefix) for name in shapes if name.startswith(prefix)}
    has_image = any(name.endswith(".attn2.to_k_ip.weight") for name in unet)
    has_audio = "audio_proj_2.weight" in unet
    has_index = "frame_idx_embedding.0.weight" in unet
    if not has_image:
        raise CheckpointUnknownError(
            "This is a video network that is not conditioned on an image: no to_k_ip was found in its attention. "
            f"{_WANTED}"
        )
    if any(name.endswith(".attn2.alpha") for name in unet):
        raise CheckpointUnknownError(
            "This is DynamiCrafter 256 (its attention has a learned image scale, alpha), which predicts noise and "
            f"cannot be used here. {_WANTED}"
        )
    if has_index and not has_audio:
        raise CheckpointUnknownError(
            "This video network has a frame index (frame_idx_embedding) but no audio input (no audio_proj_2 was "
            f"found), which no known file has. {_WANTED}"
        )
    stem = next((end for end in _UNET_PREFIXES if prefix.endswith(end)), "")
    outer = prefix.removesuffix(stem)
    prefixes = {UNET: prefix}
    for part, (inner, name) in _PARTS.items():
        if f"{outer}{inner}{name}" in shapes:
            prefixes[part] = outer + inner
    kind = GENERATOR if has_index else INTERPOLATOR if has_audio else DYNAMICRAFTER
    return Layout(kind, prefixes)


OF_PARTS = (
    "If the file was published in parts, get them all under their own names and join them with "
    "`python dev.py convert`; else download it again."
)
_WANTED = "KeyVID reads its generator and interpolator, DynamiCrafter 512, ImageBind, its localizer and RAFT."


def _unknown(shapes: Mapping[str, Shape]) -> CheckpointUnknownError:
    looked_for = ", ".join(
        (_UNET_NAMES[0], _LOCALIZER_NAMES[0], _AUDIO_NAMES[0], _RAFT_NAMES[0][2])
    )
    names = sorted(shapes)
    shown = ", ".join(
        f"{printable(name)} {list(shapes[name])}" for name in names[:: max(1, len(names) // 3)][:3]
    )
    guess = next((what for part, what in _OTHERS if any(part in name for name in names)), None)
    guess = f" It looks like {guess}." if guess else ""
    if "a part of" in guess:
        guess += f" {OF_PARTS}"
    return CheckpointUnknownError(
        f"KeyVID does not know this file.{guess} Looked for: {looked_for}. "
        f"Found {len(names)} tensors, such as {shown or 'none'}. {_WANTED}"
    )
