"""A LoRA of the pack's own networks in the real ComfyUI: core's node gives what a merged weight file gives."""

import copy
from functools import partial

import numpy as np
import pytest
import safetensors.torch
import torch
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint
from keyvid_pack.models.checkpoint.layouts import GENERATOR, INTERPOLATOR
from keyvid_pack.training.lora import adapter, base
from PIL import Image

from ...helpers.graphs.prompts import node, succeed, up_to
from ...helpers.graphs.workflow_files import api_form
from ...helpers.tolerance import float32_tolerance

STEPS, RANK = 3, 4
LOADERS = {
    GENERATOR: ("KeyVID_LoadCheckpoint", "ckpt_name"),
    INTERPOLATOR: ("KeyVID_LoadModel", "model_name"),
}
UNET_PREFIX = "model.diffusion_model."
# layers one behind the other on the longest way through the small UNet
N_LAYERS = 256


def write_lora(path, unet, *, seed):
    """A LoRA that changes every attention by about a third of its weights' size."""
    generator = torch.Generator().manual_seed(seed)
    adapters = adapter.make_adapters(unet, rank=RANK, generator=generator)
    for name, low_rank in adapters.items():
        layer = unet.get_submodule(name.replace("/", "."))
        up = torch.randn(low_rank.up.shape, generator=generator)
        change = (up @ low_rank.down).std()
        low_rank.up.data = up * 0.3 * layer.weight.std() / change
    facts = adapter.LoraFacts("", "", RANK, RANK, 0, ())
    adapter.write_lora(path, adapter.file_tensors(adapters.state_dict(), scale=1.0), facts)


def write_merged(path, source, lora):
    """The weight file with the LoRA in its UNet, in float32."""
    tensors = safetensors.torch.load_file(source)
    unet = {
        name.removeprefix(UNET_PREFIX): value.float()
        for name, value in tensors.items()
        if name.startswith(UNET_PREFIX)
    }
    for name, value in adapter.merged(unet, adapter.read_lora(lora)).items():
        tensors[UNET_PREFIX + name] = value
    with safetensors.safe_open(source, "pt") as file:
        safetensors.torch.save_file(tensors, path, metadata=file.metadata())


@pytest.fixture(scope="module")
def files(comfy):
    """{kind: (name of the LoRA, name of the merged file)} where ComfyUI lists them."""
    made = {}
    for seed, kind in enumerate((GENERATOR, INTERPOLATOR)):
        lora = comfy.base / "models" / "loras" / f"test_{kind}.safetensors"
        merged = comfy.base / "models" / "keyvid" / f"test_{kind}_merged.safetensors"
        lora.parent.mkdir(parents=True, exist_ok=True)
        write_lora(lora, base.load_unet(base.open_base(kind)), seed=seed)
        write_merged(merged, base.EMBEDDED[kind], lora)
        assert open_checkpoint(merged).kind == kind
        made[kind] = lora, merged
    yield {kind: tuple(path.name for path in paths) for kind, paths in made.items()}
    for paths in made.values():
        for path in paths:
            path.unlink()


def demo(*, weights=None):
    """The demo's graph in few steps and float32; weights: {kind: file} in place of the embedded ones."""
    graph = copy.deepcopy(api_form("keyvid_demo"))
    for kind, (class_type, name) in LOADERS.items():
        loader = graph[only(graph, class_type)]["inputs"]
        loader["weight_dtype"] = "fp32"
        loader[name] = (weights or {}).get(kind, loader[name])
    for one in graph.values():
        if one["class_type"] == "KeyVID_Schedule":
            one["inputs"]["steps"] = STEPS
        if one["class_type"] == "KeyVID_Sampler":
            one["inputs"]["inpainted_steps"] = min(one["inputs"]["inpainted_steps"], STEPS)
    return graph


def with_loras(graph, loras, *, strength=1.0):
    """The graph with core's LoRA node behind the loader of each model; loras: {kind: file}."""
    for kind, name in loras.items():
        loader = only(graph, LOADERS[kind][0])
        for one in list(graph.values()):
            for key, value in one["inputs"].items():
                if value == [loader, 0]:
                    one["inputs"][key] = [f"lora_{kind}", 0]
        graph[f"lora_{kind}"] = node(
            "LoraLoaderModelOnly", model=[loader, 0], lora_name=name, strength_model=strength
        )
    return graph


def only(graph, class_type):
    (key,) = [key for key, one in graph.items() if one["class_type"] == class_type]
    return key


def painted(comfy, graph):
    """(latents of keyframes and of all frames, frames uint8 (48, H, W, 3)) of a graph of the demo's stages."""
    images = graph[only(graph, "CreateVideo")]["inputs"]["images"]
    (keyframes, frames) = [
        key for key, one in graph.items() if one["class_type"] == "KeyVID_FramesFromLatent"
    ]
    graph |= {
        "k": node("SaveLatent", samples=[keyframes, 0], filename_prefix="lora/k"),
        "f": node("SaveLatent", samples=[frames, 0], filename_prefix="lora/f"),
        "i": node("SaveImage", images=images, filename_prefix="lora/i"),
    }
    kept = {**up_to(graph, "k"), **up_to(graph, "f"), **up_to(graph, "i")}
    outputs = succeed(comfy, kept)
    latents = [_latent(comfy, outputs[key]["latents"][0]) for key in ("k", "f")]
    shown = [np.asarray(Image.open(_path(comfy, item))) for item in outputs["i"]["images"]]
    return latents, np.stack(shown)


def _path(comfy, item):
    return comfy.base / "output" / item["subfolder"] / item["filename"]


def _latent(comfy, item):
    return safetensors.torch.load_file(_path(comfy, item))["latent_tensor"]


def test_cores_lora_node_gives_the_frames_of_the_merged_model(comfy, files):
    loras = {kind: lora for kind, (lora, _) in files.items()}
    paint = partial(painted, comfy)
    latents, frames = paint(with_loras(demo(), loras))
    expected, merged_frames = paint(demo(weights={k: merged for k, (_, merged) in files.items()}))
    # the merged weights are the same float32 sums; only the order of additions may differ, by the machine's libraries
    tolerance = float32_tolerance(n_steps=STEPS, n_layers=N_LAYERS)
    for found, wanted in zip(latents, expected, strict=True):
        assert found.shape == wanted.shape
        assert (found - wanted).abs().max() <= tolerance * wanted.abs().max()
    # a value at the edge between two of the 256 levels may fall to either side
    assert np.abs(frames.astype(int) - merged_frames).max() <= 1

    plain, plain_frames = paint(demo())
    for found, wanted in zip(plain, expected, strict=True):
        assert (found - wanted).abs().max() > 0.1 * wanted.abs().max(), "the LoRA changes nothing"
    assert np.abs(plain_frames.astype(int) - merged_frames).max() > 20
    unused, unused_frames = paint(with_loras(demo(), loras, strength=0.0))
    assert all(map(torch.equal, unused, plain)) and np.array_equal(unused_frames, plain_frames)
