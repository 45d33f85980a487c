"""{name: shape} of the released files, at full size.

UNets, resampler, ImageBind's audio part and the localizer are read from the list of the published code's names
(tests/goldens/state_dict_keys.txt), the stock VAE and OpenCLIP towers from our own networks at their published sizes.
Of ImageBind's other modalities, which nothing reads, number and values are right and the inner names made up.
"""

import re

from ...models import build
from ...models.encoders.clip import CLIPTextConfig, CLIPVisionConfig
from ...models.encoders.vae_config import VAEConfig, vae_shapes
from ...released.published_files import GENERATOR, INTERPOLATOR, LOCALIZER, PublishedFile
from ..environment import ROOT, SetupError

Shapes = dict[str, tuple[int, ...]]
NAMES = ROOT / "tests" / "goldens" / "state_dict_keys.txt"
_LINE = re.compile(r"^(\S+)\t\[([\d, ]*)\]\t", re.MULTILINE)
_OTHERS = re.compile(r"(modality_\w+\.\w+) (\d+) tensors? (\d+)")
_FRAME_INDEX = "model.diffusion_model.frame_idx_embedding."
_VAE = VAEConfig(
    channels=128, channel_mult=(1, 2, 4, 4), num_res_blocks=2, z_channels=4, embed_channels=4
)
_TEXT = CLIPTextConfig(
    width=1024, layers=24, heads=16, mlp_width=4096, vocabulary=49408, context=77, projection_width=1024
)  # fmt: skip
_VISION = CLIPVisionConfig(
    width=1280, layers=32, heads=16, mlp_width=5120, patch_size=14, image_size=224, projection_width=1024
)  # fmt: skip
# what OpenCLIP's text half leaves in the image encoder of the published code, and at the end of a text tower
_TEXT_ENDS: Shapes = {"text_projection": (1024, 1024), "logit_scale": ()}
_TEXT_REST: Shapes = {
    "token_embedding.weight": (49408, 1024),
    "positional_embedding": (77, 1024),
    "ln_final.weight": (1024,),
    "ln_final.bias": (1024,),
    **_TEXT_ENDS,
}


def released_shapes() -> dict[PublishedFile, Shapes]:
    """What each released file holds: 3936, 3932 and, with ImageBind's other modalities, 1314 tensors."""
    if not NAMES.is_file():
        raise SetupError(
            f"{NAMES} is not there: it comes with a git clone, not with the registry's package."
        )
    text = NAMES.read_text(encoding="utf-8")
    listed = {
        name: tuple(int(size) for size in sizes.split(",") if size.strip())
        for name, sizes in _LINE.findall(text)
    }
    localizer = {
        name: shape
        for name, shape in listed.items()
        if name.startswith(("imagebindMoodel.", "linear", "ada_"))
    }
    top = {name: shape for name, shape in listed.items() if "." not in name and "ada_" not in name}
    inner = ("model.diffusion_model.", "image_proj_model.", "audio_proj_model.", "imagebind_model.")
    generator = {
        **top,
        **{name: shape for name, shape in listed.items() if name.startswith(inner)},
        **_prefixed("first_stage_model.", vae_shapes(_VAE)),
        **_prefixed("cond_stage_model.model.", build.expected_shapes("text", _TEXT) | _TEXT_ENDS),
        **_prefixed("embedder.model.visual.", build.expected_shapes("vision", _VISION)),
        **_prefixed("embedder.model.", _TEXT_REST),
        **_prefixed("imagebind_model.", _other_modalities(text)),
    }
    interpolator = {n: s for n, s in generator.items() if not n.startswith(_FRAME_INDEX)}
    localizer |= _prefixed("imagebindMoodel.", _other_modalities(text))
    return {GENERATOR: generator, INTERPOLATOR: interpolator, LOCALIZER: localizer}


def _prefixed(prefix: str, shapes: Shapes) -> Shapes:
    return {prefix + name: tuple(shape) for name, shape in shapes.items()}


def _other_modalities(text: str) -> Shapes:
    """As many tensors and values as each of ImageBind's other modalities has."""
    line = next(line for line in text.splitlines() if line.startswith("# other ImageBind"))
    shapes: Shapes = {}
    for stem, count, values in _OTHERS.findall(line):
        n_tensors, n_values = int(count), int(values)
        for at in range(n_tensors):
            size = n_values // n_tensors + (at < n_values % n_tensors)
            shapes[f"{stem}.rest.{at}"] = (size,)
    return shapes
