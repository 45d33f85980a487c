"""Small files in the published layouts and a small data set, for tests of training at full size."""

import dataclasses

import numpy as np
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint.metadata import metadata_block
from keyvid_pack.models.encoders import imagebind
from keyvid_pack.training.datasets.curves import write_curve
from keyvid_pack.training.datasets.layouts import open_dataset
from keyvid_pack.training.full_size.options import read_options
from safetensors.torch import save_file

from .. import small_checkpoint
from .layouts import write_avsync15

NAMES = ["striking_bowling/a.mp4", "striking_bowling/b.1.mp4", "lions_roaring/c.mp4"]
# of frames; latents of the small VAE are a quarter of it. Four keyframes take a third of the time of twelve
SIZE = ("--height", "16", "--width", "24", "--count", "4")
OLD_FRAMES = 16  # of DynamiCrafter's image projection


def write_start_files(folder):
    """[a plain DynamiCrafter file for 16 frames, ImageBind's stock audio tower], both small, as paths."""
    shapes = small_checkpoint.whole_shapes("dynamicrafter")
    shapes["image_proj_model.latents"] = (1, OLD_FRAMES * 16, small_checkpoint.RESAMPLER.width)
    metadata = dataclasses.replace(small_checkpoint.METADATA, n_frames=OLD_FRAMES)
    paths = [folder / "dynamicrafter.safetensors", folder / "imagebind.safetensors"]
    tensors = small_checkpoint.filled(shapes, seed=1)
    save_file(tensors, paths[0], metadata=metadata_block(metadata))
    stock = dataclasses.replace(small_checkpoint.AUDIO, stride=imagebind.STOCK_STRIDE)
    tensors = small_checkpoint.filled(build.expected_shapes("audio", stock), seed=2)
    metadata = dataclasses.replace(
        small_checkpoint.METADATA, head_widths={"audio": 16}, n_frames=None
    )
    save_file(tensors, paths[1], metadata=metadata_block(metadata))
    return paths


def write_data(root):
    """AVSync15's layout with three videos of two seconds, and curves with two peaks."""
    write_avsync15(root, NAMES, enlarged=1)
    rng = np.random.default_rng(5)
    for video in open_dataset(root).videos:
        curve = rng.random(47) * 0.05
        curve[[9, 31]] += 1.0
        write_curve(video.curve_path, curve)
    return root


def wanted(network, root, sources, folder, *words):
    """The options of a training of six examples in a step, two at once, without dropout unless words say so."""
    sizes = ("--examples", "4", "--at-once", "2", "--steps", "2", "--save-every", "1")
    plain = () if network == "localizer" else ("--dropout", "0", *SIZE)
    where = ("--state-dir", str(folder), "--from", *map(str, sources))
    return read_options(
        [network, str(root), *plain, *sizes, "--workers", "0", "--cpu", *words, *where]
    )
