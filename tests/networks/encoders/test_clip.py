"""Both CLIP towers against open_clip's own, their names, and what training needs of them."""

import types

import open_clip
import pytest
import torch
from keyvid_pack.errors import CheckpointMetadataError, CheckpointNamesError
from keyvid_pack.models.encoders.clip import (
    VIT_H_TEXT,
    VIT_H_VISION,
    CLIPTextConfig,
    CLIPTextTower,
    CLIPVisionConfig,
    CLIPVisionTower,
    clip_text_config_from_shapes,
    clip_vision_config_from_shapes,
    init_clip_tower,
)
from torch import nn

VISION = CLIPVisionConfig(
    width=48, layers=3, heads=4, mlp_width=192, patch_size=8, image_size=40, projection_width=20
)
TEXT = CLIPTextConfig(
    width=32, layers=3, heads=2, mlp_width=128, vocabulary=90, context=13, projection_width=20
)
TOWERS = [(CLIPVisionTower, VISION), (CLIPTextTower, TEXT)]
TOWER_IDS = ["vision", "text"]


def open_clip_model(vision, text):
    return open_clip.CLIP(
        vision.projection_width,
        open_clip.CLIPVisionCfg(
            layers=vision.layers,
            width=vision.width,
            head_width=vision.width // vision.heads,
            patch_size=vision.patch_size,
            image_size=vision.image_size,
        ),
        open_clip.CLIPTextCfg(
            context_length=text.context,
            vocab_size=text.vocabulary,
            width=text.width,
            heads=text.heads,
            layers=text.layers,
        ),
    )


def split(state_dict):
    prefix = "visual."
    vision = {name[len(prefix) :]: t for name, t in state_dict.items() if name.startswith(prefix)}
    text = {name: t for name, t in state_dict.items() if not name.startswith(prefix)}
    return vision, text


def shapes_of(tensors):
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def random_input(tower, *, dtype=torch.float32):
    generator = torch.Generator().manual_seed(3)
    config = tower.config
    if isinstance(tower, CLIPVisionTower):
        side = config.image_size
        return torch.randn(2, 3, side, side, generator=generator).to(dtype)
    return torch.randint(config.vocabulary, (2, config.context), generator=generator)


@pytest.fixture(scope="module")
def oracle():
    """open_clip's own model at small width; every tensor random, so that none can be left out unseen."""
    model = open_clip_model(VISION, TEXT).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(1)
    for tensor in model.state_dict().values():
        tensor.normal_(std=0.3, generator=generator)
    return model


def test_vision_tower_equals_open_clip(oracle):
    weights, _ = split(oracle.state_dict())
    config = clip_vision_config_from_shapes(shapes_of(weights), head_width=12)
    assert config == VISION
    tower = CLIPVisionTower(config)
    tower.load_state_dict(weights)
    pixels = random_input(tower)
    found = oracle.visual.forward_intermediates(
        pixels, indices=1, output_fmt="NLC", output_extra_tokens=True, intermediates_only=True
    )
    expected = torch.cat(
        [found["image_intermediates_prefix"][-1], found["image_intermediates"][-1]], dim=1
    )
    with torch.no_grad():
        torch.testing.assert_close(tower(pixels), expected, atol=2e-5, rtol=0)


def test_text_tower_equals_open_clip(oracle):
    _, weights = split(oracle.state_dict())
    config = clip_text_config_from_shapes(shapes_of(weights), head_width=16)
    assert config == TEXT
    tower = CLIPTextTower(config)
    tower.load_state_dict(weights)
    tokens = random_input(tower)
    found = oracle.forward_intermediates(
        text=tokens, normalize_intermediates=True, text_indices=[TEXT.layers - 2]
    )
    with torch.no_grad():
        torch.testing.assert_close(tower(tokens), found["text_intermediates"][0], atol=2e-5, rtol=0)


def test_full_size_names_and_shapes_are_open_clips():
    with torch.device("meta"):
        vision, text = split(open_clip_model(VIT_H_VISION, VIT_H_TEXT).state_dict())
    assert (len(vision), len(text)) == (392, 294)
    # the image encoder of the published file is a whole CLIP without the text blocks: 398 tensors
    assert len(vision) + sum(".resblocks." not in name for name in text) == 398
    vision, text = shapes_of(vision), shapes_of(text)
    assert clip_vision_config_from_shapes(vision) == VIT_H_VISION
    assert clip_text_config_from_shapes(text) == VIT_H_TEXT
    assert shapes_of(CLIPVisionTower(VIT_H_VISION, device="meta").state_dict()) == vision
    assert shapes_of(CLIPTextTower(VIT_H_TEXT, device="meta").state_dict()) == text


@pytest.mark.parametrize(("kind", "config"), TOWERS, ids=TOWER_IDS)
def test_gradients_reach_every_trainable_parameter(kind, config):
    tower = init_clip_tower(kind(config), generator=torch.Generator().manual_seed(2))
    (tower(random_input(tower)) ** 3).sum().backward()
    idle = {name for name, p in tower.named_parameters() if p.grad is None}
    assert idle == {name for name, p in tower.named_parameters() if not p.requires_grad}
    kept = {"ln_post", "proj", "text_projection", "logit_scale"}
    last = f"transformer.resblocks.{config.layers - 1}."
    for name in idle:
        assert name.split(".")[0] in kept or (kind is CLIPTextTower and name.startswith(last))
    for name, parameter in tower.named_parameters():
        if parameter.requires_grad:
            assert parameter.grad.isfinite().all() and parameter.grad.any(), name


@pytest.mark.parametrize(("kind", "config"), TOWERS, ids=TOWER_IDS)
def test_initial_weights_are_reproducible_and_keep_activations_in_range(kind, config):
    first, second = (
        init_clip_tower(kind(config), generator=torch.Generator().manual_seed(5)) for _ in range(2)
    )
    for name, tensor in first.state_dict().items():
        assert tensor.isfinite().all() and torch.equal(tensor, second.state_dict()[name]), name
    with torch.no_grad():
        assert 0.1 < first(random_input(first)).std() < 3


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=str)
@pytest.mark.parametrize(("kind", "config"), TOWERS, ids=TOWER_IDS)
def test_reduced_precision_is_finite_and_near(kind, config, dtype):
    tower = init_clip_tower(kind(config), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        exact = tower(random_input(tower))
        rounded = tower.to(dtype)(random_input(tower, dtype=dtype))
    assert rounded.dtype == dtype and rounded.isfinite().all()
    assert (rounded - exact).abs().mean() < 0.03 * exact.abs().mean()


@pytest.mark.parametrize(("kind", "config"), TOWERS, ids=TOWER_IDS)
def test_bare_parameters_follow_the_input(kind, config):
    """ComfyUI casts the layers of its `operations` itself; what is no layer must follow the data."""
    tower = init_clip_tower(kind(config), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        exact = tower(random_input(tower))
        for module in tower.modules():
            for name, parameter in module.named_parameters(recurse=False):
                if not isinstance(module, (nn.Linear, nn.LayerNorm, nn.Conv2d, nn.Embedding)):
                    setattr(module, name, nn.Parameter(parameter.double(), requires_grad=False))
        found = tower(random_input(tower))
    assert found.dtype == torch.float32
    assert torch.equal(found, exact)


@pytest.mark.parametrize(("kind", "config"), TOWERS, ids=TOWER_IDS)
def test_every_layer_comes_from_operations_and_attention_is_the_given_one(kind, config):
    names = ("Linear", "LayerNorm", "Conv2d", "Embedding")
    made = {name: type(name, (getattr(nn, name),), {}) for name in names}
    calls = []

    def attention(q, k, v, heads, mask=None):
        calls.append((q.shape, heads, None if mask is None else mask.shape))
        return v

    tower = kind(config, operations=types.SimpleNamespace(**made), attention=attention)
    init_clip_tower(tower)(random_input(tower))
    for module in tower.modules():
        if isinstance(module, tuple(getattr(nn, name) for name in names)):
            assert type(module) in made.values()
    vision = kind is CLIPVisionTower
    n_tokens = 26 if vision else config.context
    mask = None if vision else (n_tokens, n_tokens)
    n_calls = config.layers if vision else config.layers - 1
    assert calls == [((2, n_tokens, config.width), config.heads, mask)] * n_calls


def test_a_word_never_hears_what_follows():
    tower = init_clip_tower(CLIPTextTower(TEXT), generator=torch.Generator().manual_seed(2))
    tokens = random_input(tower)
    changed = tokens.clone()
    changed[:, 7] = (changed[:, 7] + 1) % TEXT.vocabulary
    with torch.no_grad():
        difference = (tower(tokens) - tower(changed)).abs().amax(dim=(0, 2))
    assert (difference[:7] == 0).all() and (difference[7:] > 0).all()


@pytest.mark.parametrize(
    ("infer", "tower"),
    [
        (clip_vision_config_from_shapes, CLIPVisionTower(VISION, device="meta")),
        (clip_text_config_from_shapes, CLIPTextTower(TEXT, device="meta")),
    ],
    ids=TOWER_IDS,
)
def test_what_cannot_be_inferred_is_an_error(infer, tower):
    shapes = shapes_of(tower.state_dict())
    with pytest.raises(CheckpointMetadataError, match="does not say how wide a head is"):
        infer(shapes)
    with pytest.raises(CheckpointMetadataError, match="cannot be cut into heads of 7"):
        infer(shapes, head_width=7)
    without = {n: s for n, s in shapes.items() if ".resblocks.1." not in n}
    with pytest.raises(CheckpointNamesError, match="without a gap"):
        infer(without, head_width=8)
    with pytest.raises(CheckpointNamesError, match="axes are expected"):
        infer(shapes | {"positional_embedding": (1, 26, 48)}, head_width=8)
    with pytest.raises(CheckpointNamesError, match="lack the tensor"):
        infer({}, head_width=8)


def test_a_tower_for_oblong_images_is_refused():
    shapes = shapes_of(CLIPVisionTower(VISION, device="meta").state_dict())
    with pytest.raises(CheckpointNamesError, match="not one more than a square"):
        clip_vision_config_from_shapes(shapes | {"positional_embedding": (25, 48)}, head_width=12)
