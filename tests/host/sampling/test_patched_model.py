"""Our MODEL under what ComfyUI does to models: number formats, LoRA, hooks, compilation, context windows."""

import shutil

import pytest
import safetensors.torch
import torch
from keyvid_pack.errors import KeyVIDError

from ...helpers import small_video
from ...helpers.small_video import (
    Forwards,
    assert_agree,
    conditioning,
    guided,
    hooked,
    run,
    unit_noise,
)


def load(path, **options):
    from keyvid_pack.host.loaders.video_model import load_video_model

    return load_video_model(str(path), **options)


@pytest.fixture(scope="module")
def generator_file(tmp_path_factory):
    return small_video.write_model(tmp_path_factory.mktemp("models") / "one.safetensors")


# number formats


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_in_half_precision_compute_in_float32_on_a_cpu(generator_file, dtype):
    model = load(generator_file, dtype=dtype)
    assert model.model.get_dtype() == dtype
    assert model.model.get_dtype_inference() == torch.float32
    with Forwards(model) as forwards:
        found = run(guided(model))
    assert forwards.calls[0][1].dtype == torch.float32
    assert found.dtype == torch.float32
    assert_agree(found, run(guided(load(generator_file))), tolerance=0.2)
    assert not torch.equal(found, run(guided(load(generator_file)))), "the weights were not rounded"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_forward_in_half_precision_stays_in_it(generator_file, dtype, monkeypatch):
    """What a GPU does: weights and activations in one half precision, and no layer that casts what it is given."""
    import comfy.model_management

    monkeypatch.setattr(comfy.model_management, "unet_manual_cast", lambda *_, **__: None)
    model = load(generator_file, dtype=dtype)
    network = model.model.diffusion_model
    layers = [layer for layer in network.modules() if hasattr(layer, "comfy_cast_weights")]
    assert layers and not any(layer.comfy_cast_weights for layer in layers)
    with Forwards(model) as forwards:
        found = run(guided(model), sigmas=_sigmas(model, 2))
    call = forwards.calls[0]
    assert call[1].dtype == call[2]["image"].dtype == call[2]["audio"].dtype == dtype
    assert call[2]["frame_index"].dtype == torch.int64
    assert torch.isfinite(found).all()


def test_float8_weights_are_cast_as_they_are_used(generator_file, tmp_path):
    tensors = safetensors.torch.load_file(generator_file)
    with safetensors.safe_open(generator_file, "pt") as file:
        metadata = file.metadata()
    path = tmp_path / "fp8.safetensors"
    safetensors.torch.save_file(
        {name: value.to(torch.float8_e4m3fn) for name, value in tensors.items()}, path, metadata
    )
    found = run(guided(load(path)))
    assert torch.isfinite(found).all()
    assert not torch.equal(found, run(guided(load(generator_file))))


def _sigmas(model, n_steps):
    from keyvid_pack.host.sampling.sampler import keyvid_sigmas

    return keyvid_sigmas(model, n_steps=n_steps)


def test_channels_last_changes_nothing(generator_file, monkeypatch):
    import comfy.model_management

    plain = run(guided(load(generator_file)))
    monkeypatch.setattr(comfy.model_management, "force_channels_last", lambda: True)
    assert_agree(run(guided(load(generator_file))), plain)


# several models, patched models


def test_two_checkpoints_in_one_process_keep_apart(generator, tmp_path):
    other = load(small_video.write_model(tmp_path / "other.safetensors", seed=1))
    first = run(guided(generator))
    second = run(guided(other))
    assert (first - second).abs().max() > 1e-3
    assert torch.equal(run(guided(generator)), first)
    assert torch.equal(run(guided(other)), second)


@pytest.mark.parametrize(
    "name",
    [
        "lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_k_ap",
        "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k_ap",
    ],
)
def test_cores_lora_node_reaches_our_weights(generator, comfyui, name):
    import folder_paths

    import nodes

    attention = generator.model.diffusion_model.input_blocks[1][1].transformer_blocks[0].attn2
    rows, columns = attention.to_k_ap.weight.shape
    draw = torch.Generator().manual_seed(0)
    lora = {
        f"{name}.lora_up.weight": torch.randn(rows, 2, generator=draw),
        f"{name}.lora_down.weight": torch.randn(2, columns, generator=draw),
        f"{name}.alpha": torch.tensor(2.0),
    }
    folder = comfyui.base / "loras"
    folder.mkdir(exist_ok=True)
    folder_paths.add_model_folder_path("loras", str(folder))
    safetensors.torch.save_file(lora, folder / "ours.safetensors")
    before = run(guided(generator))
    loader = nodes.LoraLoaderModelOnly()
    (patched,) = loader.load_lora_model_only(generator, "ours.safetensors", 1.0)
    assert (run(guided(patched)) - before).abs().max() > 1e-3
    assert torch.equal(run(guided(generator)), before), "the LoRA stayed in the model"


def test_a_lora_on_the_conditioning_holds_for_that_conditioning_only(generator):
    before = run(guided(generator))
    assert (run(guided(generator, hooked(conditioning(), generator))) - before).abs().max() > 1e-3
    assert torch.equal(run(guided(generator)), before)


# compilation

ONE_PASS = {"image_scale": 1.0, "text_scale": 1.0, "audio_scale": 1.0}


def _compiled(model, **options):
    from comfy_api.torch_helpers import set_torch_compile_wrapper

    patched = model.clone()
    set_torch_compile_wrapper(model=patched, **options)
    return patched


@pytest.mark.long
def test_cores_compile_wrapper_runs_our_forward(generator):
    """Traced by torch.compile, run without a C++ compiler: what the trace gets wrong shows here."""
    sigmas = _sigmas(generator, 2)
    expected = run(guided(generator, **ONE_PASS), sigmas=sigmas)
    found = run(guided(_compiled(generator, backend="eager"), **ONE_PASS), sigmas=sigmas)
    assert_agree(found, expected)


@pytest.mark.long
def test_cores_compile_node_applies(generator):
    from comfy_extras.nodes_torch_compile import TorchCompileModel

    if not any(map(shutil.which, ("c++", "g++", "clang++"))):
        pytest.skip("no C++ compiler: torch.compile's inductor needs one on a CPU")
    (compiled,) = TorchCompileModel.execute(generator, "inductor").result
    sigmas = _sigmas(generator, 1)
    expected = run(guided(generator, **ONE_PASS), sigmas=sigmas)
    found = run(guided(compiled, **ONE_PASS), sigmas=sigmas)
    assert_agree(found, expected, tolerance=1e-4)


# windows over time


def _in_context_windows(model, **options):
    from comfy_extras.nodes_context_windows import ContextWindowsManualNode

    settings = {
        "context_length": 4, "context_overlap": 2, "context_schedule": "standard_static",
        "context_stride": 1, "closed_loop": False, "fuse_method": "pyramid", "dim": 2, "freenoise": False,
    }  # fmt: skip
    return ContextWindowsManualNode.execute(model, **{**settings, **options}).result[0]


def test_context_windows_slice_everything_that_belongs_to_frames(generator):
    """Every window is conditioned on the positions, images and sounds of its own frames."""
    frames = tuple(range(0, 40, 5))
    pair, noise = conditioning(frames), unit_noise(n_frames=len(frames))
    model = _in_context_windows(generator, causal_window_fix=False)
    with Forwards(model) as forwards:
        found = run(guided(model, pair), noise=noise)
    assert torch.isfinite(found).all()
    windows = set()
    for _, x, keywords in forwards.calls:
        assert x.shape[2] == 4
        assert keywords["image"].shape[1] == keywords["audio"].shape[1] == 4
        windows |= {tuple(row.tolist()) for row in keywords["frame_index"]}
    assert windows == {frames[start : start + 4] for start in (0, 2, 4)}


def test_context_windows_with_an_anchor_frame_run(generator):
    frames = tuple(range(0, 40, 5))
    model = _in_context_windows(generator, causal_window_fix=True)
    found = run(guided(model, conditioning(frames)), noise=unit_noise(n_frames=8))
    assert torch.isfinite(found).all()


def test_windowed_attention_reaches_the_network_and_changes_the_video(generator):
    from keyvid_pack.host.sampling.video_model import with_temporal_window

    windowed = with_temporal_window(generator, 4, 4)
    frames, noise = tuple(range(0, 40, 5)), unit_noise(n_frames=8)
    with Forwards(windowed) as forwards:
        found = run(guided(windowed, conditioning(frames)), noise=noise)
    assert forwards.calls[0][2]["transformer_options"]["keyvid_temporal_window"] == (4, 4)
    plain = run(guided(generator, conditioning(frames)), noise=noise)
    assert not torch.allclose(found, plain)
    # a window as long as the clip is attention to all of it
    whole = with_temporal_window(generator, 8, 8)
    assert_agree(run(guided(whole, conditioning(frames)), noise=noise), plain)


def test_windows_that_do_not_end_with_the_clip_are_refused_with_a_message(generator):
    from keyvid_pack.host.sampling.video_model import with_temporal_window

    with pytest.raises(KeyVIDError, match="do not end at 4 frames"):
        run(guided(with_temporal_window(generator, 3, 2)))
    with pytest.raises(KeyVIDError, match="not a KeyVID or DynamiCrafter model"):
        with_temporal_window(object(), 12, 6)


# memory


def test_the_memory_that_comfyui_reckons_with_grows_with_frames_and_passes(generator):
    one = generator.model.memory_required([1, 4, 12, 40, 64])
    assert generator.model.memory_required([4, 4, 12, 40, 64]) == pytest.approx(4 * one)
    assert generator.model.memory_required([1, 4, 48, 40, 64]) == pytest.approx(4 * one)
