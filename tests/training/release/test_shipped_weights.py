"""The weight files in the pack: whole, small, in the published layout, and of the sizes that the recipe names."""

import hashlib

import pytest
import torch
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint, part_tensors
from keyvid_pack.training import recipe
from keyvid_pack.training.release import export

FILES = {name: export.WEIGHTS / f"{name}.safetensors" for name in export.FILES}


def test_shipped_weights_match_their_checksums():
    lines = (export.WEIGHTS / export.CHECKSUMS).read_text(encoding="utf-8").splitlines()
    listed = dict(reversed(line.split("  ")) for line in lines)
    assert set(listed) == {path.name for path in FILES.values()}
    assert {path.name for path in export.WEIGHTS.glob("*.safetensors")} == set(listed)
    for name, checksum in listed.items():
        assert hashlib.sha256((export.WEIGHTS / name).read_bytes()).hexdigest() == checksum, name


def test_shipped_weights_are_small():
    assert sum(path.stat().st_size for path in FILES.values()) <= export.LARGEST_BYTES


@pytest.mark.parametrize("name", FILES)
def test_shipped_weights_have_the_recipes_sizes(name):
    configs = {
        "unet": recipe.INTERPOLATOR if "interpolator" in name else recipe.GENERATOR,
        "resampler": recipe.RESAMPLER,
        "vae": recipe.VAE,
        "text": recipe.TEXT,
        "vision": recipe.VISION,
        "audio": recipe.AUDIO,
        "localizer": recipe.LOCALIZER,
    }
    checkpoint = open_checkpoint(FILES[name])
    assert set(checkpoint.layout.parts) == set(export.FILES[name][1])
    for part in checkpoint.layout.parts:
        assert build.config_of(checkpoint, part) == configs[part]
        for tensor in part_tensors(checkpoint, part).values():
            assert not tensor.is_floating_point() or tensor.dtype == torch.float16
            assert torch.isfinite(tensor).all()
    assert checkpoint.metadata.keyframe_counts == recipe.KEYFRAME_COUNTS
    assert checkpoint.metadata.licence == "Apache-2.0"
