"""ComfyUI's encoders, built from a file of any size, compute what the towers of models/ compute."""

import dataclasses
import math

import pytest
import safetensors.torch
import torch
from keyvid_pack.errors import CheckpointError
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint, open_tensors
from keyvid_pack.models.checkpoint.metadata import metadata_block
from keyvid_pack.models.encoders import clip
from keyvid_pack.models.encoders.vae_config import VAEConfig, vae_shapes

from ...helpers import small_checkpoint
from ...helpers.published import STABLE_DIFFUSION_VAE

PROMPT = "a drummer strikes a snare drum, close up"
TEXT_PREFIX, VISION_PREFIX, VAE_PREFIX = (
    small_checkpoint.PREFIXES[part] for part in ("text", "vision", "vae")
)


@pytest.fixture(scope="module")
def encoders():
    from keyvid_pack.host.loaders import encoders  # needs ComfyUI, which conftest.py brings

    return encoders


@pytest.fixture(scope="module")
def tensors():
    """A whole small file whose CLIP towers have random weights, all of which half precision can hold."""
    stored = small_checkpoint.filled(small_checkpoint.whole_shapes())
    text = clip.CLIPTextTower(dataclasses.replace(small_checkpoint.TEXT, layers=3))
    vision = clip.CLIPVisionTower(small_checkpoint.VISION)
    for prefix, tower in ((TEXT_PREFIX, text), (VISION_PREFIX, vision)):
        stored |= random_weights(prefix, tower)
    return stored


def random_weights(prefix, tower):
    """{name in the file: tensor} of a tower in which norms and biases matter too."""
    generator = torch.Generator().manual_seed(5)
    clip.init_clip_tower(tower, generator=generator)
    return {
        prefix + name: (value + 0.1 * torch.randn(value.shape, generator=generator)).half().float()
        for name, value in tower.state_dict().items()
    }


def checkpoint_of(tensors):
    return open_tensors(tensors, small_checkpoint.METADATA)


def changed(tensors, prefix, replacement):
    """The file with one part replaced."""
    return {n: t for n, t in tensors.items() if not n.startswith(prefix)} | replacement


def token_ids(clip_object, prompt):
    (section,) = clip_object.tokenize(prompt)["h"]
    return torch.tensor([[token for token, _ in section]])


# --- text


@pytest.mark.parametrize("layers", [2, 3])
def test_text_is_read_before_the_last_block_and_normed(encoders, tensors, layers):
    tower = clip.CLIPTextTower(dataclasses.replace(small_checkpoint.TEXT, layers=layers))
    checkpoint = checkpoint_of(changed(tensors, TEXT_PREFIX, random_weights(TEXT_PREFIX, tower)))
    made = encoders.clip_of(checkpoint)
    ids = token_ids(made, PROMPT)
    assert ids.shape == (1, 77) and ids[0, -1] == 0  # padded with zeros, as OpenCLIP does
    with torch.no_grad():
        expected = small_checkpoint.network_of("text", checkpoint)(ids)
        tokens = made.encode_from_tokens(made.tokenize(PROMPT))
    torch.testing.assert_close(tokens, expected, rtol=1e-5, atol=1e-5)


def test_a_text_encoder_that_comfyui_cannot_feed_is_refused_with_a_remedy(encoders, tensors):
    for changes, named in (({"vocabulary": 50}, "50 tokens"), ({"layers": 1}, "1 blocks")):
        tower = clip.CLIPTextTower(dataclasses.replace(small_checkpoint.TEXT, **changes))
        checkpoint = checkpoint_of(
            changed(tensors, TEXT_PREFIX, random_weights(TEXT_PREFIX, tower))
        )
        with pytest.raises(CheckpointError, match=f"{named}.*Load CLIP"):
            encoders.clip_of(checkpoint)


def test_a_part_with_a_missing_tensor_is_not_loaded(encoders, tensors):
    for prefix, load in ((TEXT_PREFIX, encoders.clip_of), (VISION_PREFIX, encoders.clip_vision_of)):
        name = f"{prefix}transformer.resblocks.0.mlp.c_proj.bias"
        with pytest.raises(CheckpointError, match="c_proj.bias"):
            load(checkpoint_of({n: t for n, t in tensors.items() if n != name}))


# --- image


def test_the_vision_towers_last_tokens_are_those_of_the_tower(encoders, tensors):
    from comfy.model_management import load_model_gpu

    checkpoint = checkpoint_of(tensors)
    made = encoders.clip_vision_of(checkpoint)
    assert made.image_size == 224
    pixels = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    load_model_gpu(made.patcher)
    with torch.no_grad():
        tokens = made.model(pixel_values=pixels, intermediate_output=-2)[0]
        expected = small_checkpoint.network_of("vision", checkpoint)(pixels)
    torch.testing.assert_close(tokens, expected, rtol=1e-5, atol=1e-5)


def test_a_vision_tower_without_its_last_norm_projects_normed_tokens(encoders, tensors):
    """ComfyUI would take whatever is in memory."""
    stored = {n: t for n, t in tensors.items() if not n.startswith(f"{VISION_PREFIX}ln_post")}
    image = torch.rand(1, 224, 224, 3, generator=torch.Generator().manual_seed(1))
    output = encoders.clip_vision_of(checkpoint_of(stored)).encode_image(image)
    first = output["last_hidden_state"][:, 0]
    normed = torch.nn.functional.layer_norm(first, first.shape[-1:])
    expected = normed @ tensors[f"{VISION_PREFIX}proj"]
    torch.testing.assert_close(output["image_embeds"], expected, rtol=1e-4, atol=1e-4)


# --- VAE


def test_a_small_vae_encodes_and_decodes_at_its_own_sizes(encoders, tensors):
    vae = encoders.vae_of(checkpoint_of(tensors))
    assert vae.vae_dtype == torch.float32
    assert vae.spacial_compression_encode() == vae.spacial_compression_decode() == 4
    assert vae.latent_channels == 4
    images = torch.rand(3, 33, 66, 3, generator=torch.Generator().manual_seed(1))
    latents = vae.encode(images)  # cut to multiples of 4
    assert latents.shape == (3, 4, 8, 16) and latents.dtype == torch.float32
    decoded = vae.decode(latents)
    assert decoded.shape == (3, 32, 64, 3) and torch.isfinite(decoded).all()


def test_a_vae_with_attention_between_its_levels_takes_every_weight(encoders, tensors):
    config = VAEConfig(
        channels=32,
        channel_mult=(1, 1, 2),
        num_res_blocks=1,
        z_channels=4,
        embed_channels=4,
        attention_levels=(1, 2),
    )
    stored = small_checkpoint.filled(vae_shapes(config), seed=3)
    named = {VAE_PREFIX + name: tensor for name, tensor in stored.items()}
    vae = encoders.vae_of(checkpoint_of(changed(tensors, VAE_PREFIX, named)))
    loaded = vae.get_sd()
    assert loaded.keys() == stored.keys()
    for name, tensor in stored.items():
        torch.testing.assert_close(loaded[name], tensor, rtol=0, atol=0)


def test_the_published_vae_is_the_one_that_comfyui_builds_by_itself(encoders, tensors):
    from comfy.sd import VAE

    generator = torch.Generator().manual_seed(1)
    noise = torch.randn(2**23, generator=generator)  # drawn once: the VAE has 84 million weights
    stored = {
        name: noise[: math.prod(shape)].view(shape) * math.prod(shape[1:]) ** -0.5
        for name, shape in vae_shapes(STABLE_DIFFUSION_VAE).items()
    }
    named = {VAE_PREFIX + name: tensor for name, tensor in stored.items()}
    ours = encoders.vae_of(checkpoint_of(changed(tensors, VAE_PREFIX, named)))
    comfys = VAE(sd=dict(stored))
    images = torch.rand(1, 16, 24, 3, generator=generator)
    latents = ours.encode(images)
    assert latents.shape == (1, 4, 2, 3)
    assert ours.spacial_compression_decode() == comfys.spacial_compression_decode()
    # on a CPU our weights lie in another order, and so do the sums: of up to 4608 values near 1, in some 30 layers,
    # float32 errs by sqrt(30 * 4608) * 6e-8 = 2e-5; another weight would change the first digit
    tolerance = {"rtol": 0, "atol": 2e-5}
    torch.testing.assert_close(latents, comfys.encode(images), **tolerance)
    torch.testing.assert_close(ours.decode(latents), comfys.decode(latents), **tolerance)


# --- loaded anew


def test_comfyui_can_load_clip_and_vae_again_from_the_file(encoders, tensors, tmp_path):
    path = tmp_path / "whole.safetensors"
    metadata = metadata_block(small_checkpoint.METADATA)
    safetensors.torch.save_file(tensors, path, metadata=metadata)
    checkpoint = open_checkpoint(path)
    for load in (encoders.clip_of, encoders.vae_of):
        patcher = load(checkpoint).patcher
        make, arguments = patcher.cached_patcher_init
        again = make(*arguments, disable_dynamic=True)
        assert again.model is not patcher.model
        for (name, old), new in zip(
            patcher.model.state_dict().items(), again.model.state_dict().values(), strict=True
        ):
            assert torch.equal(old, new), name


@pytest.fixture(scope="module")
def vae(encoders):
    """A small VAE of Stable Diffusion's proportions: a latent of an eighth of the size."""
    config = VAEConfig(
        channels=32, channel_mult=(1, 1, 1, 1), num_res_blocks=1, z_channels=4, embed_channels=4
    )
    shapes = {VAE_PREFIX + name: shape for name, shape in vae_shapes(config).items()}
    whole = small_checkpoint.whole_shapes()
    kept = {name: shape for name, shape in whole.items() if not name.startswith(VAE_PREFIX)}
    return encoders.vae_of(checkpoint_of(small_checkpoint.filled({**kept, **shapes})))


@pytest.mark.parametrize(
    "node, options", [("VAEDecode", {}), ("VAEDecodeTiled", {"tile_size": 64})]
)
@pytest.mark.parametrize("n_videos", [1, 2])
def test_the_vae_of_a_file_decodes_every_frame_of_a_video(vae, node, options, n_videos):
    """ComfyUI's own VAE gives the first frame without a word, and in tiles stops in PyTorch's."""
    from keyvid_pack.host.images import frame_latents

    import nodes

    decoder = getattr(nodes, node)()
    video = {
        "samples": torch.randn(n_videos, 4, 3, 10, 12, generator=torch.Generator().manual_seed(3))
    }
    (whole,) = decoder.decode(vae=vae, samples=video, **options)
    (one_by_one,) = decoder.decode(vae=vae, samples=frame_latents(video), **options)
    assert whole.shape == (n_videos * 3, 80, 96, 3)
    torch.testing.assert_close(whole, one_by_one, rtol=0, atol=1e-4)  # grey levels are 4e-3 apart
    assert not torch.allclose(whole[0], whole[1], rtol=0, atol=1e-3)


@pytest.mark.parametrize("n_frames", [1, 5, 7])
def test_a_cpu_takes_chunks_that_fit_its_caches(vae, monkeypatch, n_frames):
    from keyvid_pack.host.loaders import frame_vae

    chunks = []
    for name in ("encode", "decode"):
        plain = getattr(vae.first_stage_model, name)

        def counted(batch, plain=plain, **kwargs):
            chunks.append(len(batch))
            return plain(batch, **kwargs)

        monkeypatch.setattr(vae.first_stage_model, name, counted)
    images = torch.rand(n_frames, 32, 40, 3, generator=torch.Generator().manual_seed(0))
    whole = vae.encode(images), vae.decode(vae.encode(images))
    assert set(chunks) == {n_frames}

    chunks.clear()
    # 32 channels; room for three images
    monkeypatch.setattr(frame_vae, "CHUNK", 3 * 32 * 32 * 40 + 1)
    latents = vae.encode(images)
    videos = vae.decode(latents.movedim(0, 1)[None])[0]
    assert max(chunks) <= 3
    assert sum(chunks) == 2 * n_frames
    # other chunks, other orders of the same sums: rounding, far below what another frame's values would give
    torch.testing.assert_close(latents, whole[0], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(videos, whole[1], rtol=1e-4, atol=1e-4)
