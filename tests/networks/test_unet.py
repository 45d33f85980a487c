"""The video UNet: names and sizes, what its options promise, gradients, dtypes, and the sentences it refuses with."""

import dataclasses
import functools
import math
import pathlib
import re

import pytest
import torch
from keyvid_pack.keyframes.errors import CheckpointError, SamplingError
from keyvid_pack.models import unet_context
from keyvid_pack.models.attention import (
    check_windows,
    einsum_softmax_attention,
    sdpa_attention,
    windowed_attention,
)
from keyvid_pack.models.unet import VideoUNet, init_weights, sinusoids
from keyvid_pack.models.unet_config import (
    DYNAMICRAFTER,
    GENERATOR,
    INTERPOLATOR,
    UNetConfig,
    unet_config_from_shapes,
)

KEYS = pathlib.Path(__file__).parents[1] / "goldens" / "state_dict_keys.txt"
AUDIO_NAMES = re.compile(r"\.(to_k_ap|to_v_ap|beta)\b|^audio_proj_2\.")
# two channels per norm group: with one, a norm would undo every bias before it and its gradient would be zero
TINY = UNetConfig(
    model_channels=64,
    channel_mult=(1, 2),
    num_res_blocks=(1, 2),
    attention_levels=(1,),
    head_width=16,
    init_heads=3,
    context_width=20,
    audio_width=12,
)
OTHERS = {
    "tiny": TINY,
    "three levels, attention in the middle one": dataclasses.replace(
        TINY, channel_mult=(1, 3, 2), num_res_blocks=(2, 1, 3), attention_levels=(1,)
    ),
    "no attention on the way": dataclasses.replace(TINY, attention_levels=()),
    "deaf": dataclasses.replace(TINY, audio_width=None, learned_audio_scale=False),
    "fixed audio scale": dataclasses.replace(TINY, learned_audio_scale=False),
    "no init_attn": dataclasses.replace(TINY, init_heads=0),
    "no fps, no frame index": dataclasses.replace(TINY, has_fps=False, has_frame_index=False),
    "two blocks per transformer": dataclasses.replace(TINY, transformer_depth=2),
    "one level, other channels": dataclasses.replace(
        TINY, channel_mult=(2,), num_res_blocks=(1,), attention_levels=(0,), in_channels=9
    ),
}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Networks this small are slower on several threads, most of all on a busy machine."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


def shapes_of(unet):
    return {name: tuple(tensor.shape) for name, tensor in unet.state_dict().items()}


def make_unet(config=TINY, *, seed=0, **options):
    """A UNet whose every parameter is random and none is zero."""
    torch.manual_seed(seed)
    unet = VideoUNet(config, **options)
    with torch.no_grad():
        for parameter in unet.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return unet.eval()


def make_inputs(config=TINY, *, n_clips=2, n_frames=3, size=(4, 6), seed=1):
    generator = torch.Generator().manual_seed(seed)
    noise = functools.partial(torch.randn, generator=generator)
    return {
        "x": noise(n_clips, config.in_channels, n_frames, *size),
        "timesteps": torch.tensor([999, 17, 401][:n_clips]),
        "text": noise(n_clips, 7, config.context_width),
        "image": noise(n_clips, n_frames, 5, config.context_width),
        "audio": noise(n_clips, n_frames, 4, config.audio_width) if config.audio_width else None,
        "fps": torch.tensor([6, 24, 8][:n_clips]),
        "frame_index": torch.arange(n_clips * n_frames).reshape(n_clips, n_frames),
    }


def in_float64(unet, inputs):
    """Both in float64, where another order of the same sums shows in the twelfth digit and a mistake in the first."""
    return unet.double(), {**inputs, "x": inputs["x"].double()}


def assert_same(found, expected):
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, expected, atol=1e-10, rtol=1e-10)


def run(unet, inputs, **changes):
    with torch.no_grad():
        return unet(**{**inputs, **changes})


@functools.cache
def published_shapes(section):
    """name -> shape of one numbered section of the list, without the prefix."""
    text = KEYS.read_text(encoding="utf-8")
    body = re.search(rf"^## {section}\. .*?(?=^## |\Z)", text, re.M | re.S)[0]
    rows = [line.split("\t") for line in body.splitlines() if not line.startswith("#") and line]
    prefix = "model.diffusion_model."
    return {
        name.removeprefix(prefix): tuple(int(n) for n in re.findall(r"\d+", shape))
        for name, shape, *_ in rows
    }


def published(kind):
    if kind == "generator":
        return published_shapes(2)
    shapes = published_shapes(3)
    if kind == "dynamicrafter":
        shapes = {name: shape for name, shape in shapes.items() if not AUDIO_NAMES.search(name)}
    return shapes


@pytest.mark.parametrize(
    ("kind", "constant", "n_tensors", "n_numbers"),
    [
        ("generator", GENERATOR, 1570, 1_467_252_052),
        ("interpolator", INTERPOLATOR, 1566, 1_465_201_492),
        ("dynamicrafter", DYNAMICRAFTER, 1516, 1_438_854_980),
    ],
)
def test_full_size_names_and_shapes(kind, constant, n_tensors, n_numbers):
    expected = published(kind)
    config = unet_config_from_shapes(expected)
    assert config == constant
    unet = VideoUNet(config, device="meta")
    assert shapes_of(unet) == expected
    assert len(expected) == n_tensors
    assert sum(parameter.numel() for parameter in unet.parameters()) == n_numbers


@pytest.mark.parametrize("name", OTHERS)
def test_config_from_shapes(name):
    config = OTHERS[name]
    shapes = shapes_of(VideoUNet(config, device="meta"))
    assert unet_config_from_shapes(shapes, head_width=config.head_width) == config


@pytest.mark.parametrize("name", OTHERS)
def test_every_kind_runs(name):
    config = OTHERS[name]
    inputs = make_inputs(config, n_clips=1, n_frames=2, size=(4, 8))
    out = run(make_unet(config), inputs)
    assert out.shape == (1, config.out_channels, 2, 4, 8)
    assert out.isfinite().all() and out.std() > 1e-3


def test_head_width_is_needed_for_small_models():
    shapes = shapes_of(VideoUNet(TINY, device="meta"))
    with pytest.raises(CheckpointError, match="48 and 128.*metadata"):
        unet_config_from_shapes(shapes)
    with pytest.raises(CheckpointError, match="heads of 36"):
        unet_config_from_shapes(shapes, head_width=36)


def without(shapes, word):
    return {name: shape for name, shape in shapes.items() if word not in name}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda s: without(s, "input_blocks.0."), r"lack.*input_blocks\.0\.0\.weight"),
        (lambda s: without(s, "input_blocks.1."), "without a gap"),
        (lambda s: without(s, "input_blocks.2."), "without a gap"),
        (lambda s: without(s, "input_blocks.1.0.in_layers."), r"lack.*input_blocks\.1\.0\.in"),
        (lambda s: without(s, "input_blocks.4.1."), "level 1"),
        (lambda s: without(s, "out.2"), r"lack.*out\.2"),
        (lambda s: without(s, "to_k_ip"), "to_k_ip"),
        (lambda s: {**s, "audio_proj_2.weight": (21, 12)}, "21 wide.*20"),
        (lambda s: {**s, "input_blocks.1.0.in_layers.2.weight": (96, 64, 3, 3)}, "96 channels"),
        (lambda s: {**s, "middle_block.1.proj_in.weight": (128, 128, 1, 1)}, "convolution"),
        (lambda s: {**s, "a.attn2.alpha": ()}, "alpha"),
        (lambda s: {}, r"lack.*input_blocks\.0"),
    ],
)
def test_other_networks_are_refused(change, match):
    shapes = shapes_of(VideoUNet(TINY, device="meta"))
    with pytest.raises(CheckpointError, match=match):
        unet_config_from_shapes(change(shapes), head_width=16)


def test_building_touches_no_weight():
    class Weightless:
        """Layers as ComfyUI makes them under dynamic memory: without weights until the file is read."""

        def __getattr__(self, name):
            def make(*arguments, **options):
                layer = getattr(torch.nn, name)(*arguments, **options)
                layer.weight = layer.bias = None
                return layer

            return make

    unet = VideoUNet(TINY, operations=Weightless(), dtype=torch.bfloat16, device="meta")
    assert {name.rsplit(".", 1)[1] for name, _ in unet.named_parameters()} == {"beta"}
    assert unet.dtype == torch.bfloat16


def test_sinusoids():
    # cosines before sines; frequencies fall from 1 to nearly 1 / 10000
    waves = sinusoids(torch.tensor([0, 1, 47]), 320).double()
    assert waves.shape == (3, 320)
    assert torch.equal(waves[0], torch.cat([torch.ones(160), torch.zeros(160)]).double())
    for k in (0, 80, 159):
        angle = torch.tensor(47 * 10_000 ** (-k / 160), dtype=torch.float64)
        torch.testing.assert_close(waves[2, k], angle.cos(), atol=1e-5, rtol=0)
        torch.testing.assert_close(waves[2, 160 + k], angle.sin(), atol=1e-5, rtol=0)


@pytest.mark.parametrize("mask_shape", [None, (5, 9), (2, 5, 9), (2, 3, 5, 9)])
@pytest.mark.parametrize("boolean", [True, False])
def test_attentions_agree(mask_shape, boolean):
    torch.manual_seed(0)
    q, k, v = torch.randn(2, 5, 12), torch.randn(2, 9, 12), torch.randn(2, 9, 12)
    mask = None if mask_shape is None else torch.randn(mask_shape)
    if boolean and mask is not None:
        mask = mask > -0.5
    found = sdpa_attention(q, k, v, 3, mask)
    torch.testing.assert_close(found, einsum_softmax_attention(q, k, v, 3, mask))
    heads = [
        torch.softmax(q[..., s] @ k[..., s].mT / 2, dim=-1) @ v[..., s]
        for s in (slice(0, 4), slice(4, 8), slice(8, 12))
    ]
    if mask is None:
        torch.testing.assert_close(found, torch.cat(heads, dim=-1))


def test_attention_of_a_batch_too_large_for_one_kernel(monkeypatch):
    torch.manual_seed(0)
    q, k, v = (torch.randn(7, 3, 4) for _ in range(3))
    mask = torch.randn(7, 3, 3)
    whole = sdpa_attention(q, k, v, 2), sdpa_attention(q, k, v, 2, mask)
    monkeypatch.setattr("keyvid_pack.models.attention.MAX_BATCH", 3)
    torch.testing.assert_close(sdpa_attention(q, k, v, 2), whole[0])
    torch.testing.assert_close(sdpa_attention(q, k, v, 2, mask), whole[1])


@pytest.mark.parametrize(("n", "window", "stride"), [(8, 4, 2), (9, 5, 2), (7, 3, 1), (6, 2, 2)])
def test_windows_are_averaged_by_triangles(n, window, stride):
    torch.manual_seed(0)
    q, k, v = (torch.randn(2, n, 6) for _ in range(3))
    middle = (window - 1) / 2
    total, weights = torch.zeros(2, n, 6), torch.zeros(n)
    for start in range(0, n - window + 1, stride):
        for i in range(window):
            # the nearer to the middle the more, 1 at both ends
            weight = window // 2 + window % 2 - int(abs(i - middle))
            rows = slice(start, start + window)
            part = einsum_softmax_attention(q[:, rows], k[:, rows], v[:, rows], 2)
            total[:, start + i] += weight * part[:, i]
            weights[start + i] += weight
    found = windowed_attention(q, k, v, 2, window=window, stride=stride)
    torch.testing.assert_close(found, total / weights[:, None])


def test_one_window_is_full_attention():
    unet, inputs = in_float64(make_unet(), make_inputs(n_frames=4))
    whole = run(unet, inputs)
    assert_same(run(unet, inputs, temporal_window=(4, 2)), whole)
    difference = run(unet, inputs, temporal_window=(2, 1)) - whole
    assert difference.abs().max() > 1e-3


@pytest.mark.parametrize(
    ("sizes", "match"),
    [
        ((50, 12, 6), "48 or 54 frames long"),
        ((8, 12, 6), "8 frames, fewer than one window of 12"),
        ((48, 12, 0), "12 frames every 0"),
        ((48, 12, 13), "leave gaps"),
        ((48, 0, 0), "leave gaps"),
    ],
)
def test_windows_that_do_not_fit(sizes, match):
    with pytest.raises(SamplingError, match=match):
        check_windows(*sizes)


def test_windows_that_fit():
    for sizes in ((48, 12, 6), (12, 12, 6), (48, 12, 12), (1, 1, 1)):
        check_windows(*sizes)


def test_text_per_frame_equals_text_per_clip():
    unet, inputs = in_float64(make_unet(), make_inputs())
    shared = run(unet, inputs)
    text = inputs["text"][:, None].repeat(1, 3, 1, 1)
    assert_same(run(unet, inputs, text=text), shared)
    text[:, 2] = text[:, 2].flip(0)
    assert (run(unet, inputs, text=text) - shared).abs().max() > 1e-3


def test_keys_and_values_of_a_shared_text_are_computed_once():
    unet, seen = make_unet(), []
    unet.middle_block[1].transformer_blocks[0].attn2.to_k.register_forward_hook(
        lambda _module, arguments, _out: seen.append(tuple(arguments[0].shape))
    )
    run(unet, make_inputs())
    assert seen == [(2, 7, 20)]


@pytest.mark.parametrize("per_frame", [False, True])
def test_portions_change_nothing(monkeypatch, per_frame):
    unet, inputs = in_float64(make_unet(), make_inputs())
    if per_frame:
        inputs["text"] = torch.randn(2, 3, 7, 20)
    windowed = {"temporal_window": (2, 1)}
    whole = run(unet, inputs), run(unet, inputs, **windowed)
    with torch.enable_grad():
        trained = unet(**inputs).detach()
    sizes = []
    unet.middle_block[1].proj_in.register_forward_hook(
        lambda _module, arguments, _out: sizes.append(len(arguments[0]))
    )
    monkeypatch.setattr(unet_context, "PORTION", 1)
    small = run(unet, inputs), run(unet, inputs, **windowed)
    assert sizes == [2] * 6  # one frame of both clips at a time, three frames, two forwards
    for a, b in zip((*whole, trained), (*small, small[0]), strict=True):
        assert_same(a, b)


def test_portions_of_unequal_size_are_joined(monkeypatch):
    monkeypatch.setattr(unet_context, "PORTION", 20)
    x, seen = torch.randn(2, 7, 3), []

    def double(rows):
        seen.append(rows)
        return 2 * x[:, rows]

    with torch.no_grad():
        found = unet_context.in_portions(double, 7, each=6, dim=1)
    assert torch.equal(found, 2 * x)
    assert seen == [slice(0, 3), slice(3, 6), slice(6, 9)]
    seen.clear()
    unet_context.in_portions(double, 7, each=6, dim=1)
    assert seen == [slice(0, 7)]  # gradients are on


def test_inputs_are_left_as_they_were():
    inputs, unet = make_inputs(), make_unet()
    copies = {name: tensor.clone() for name, tensor in inputs.items()}
    first = run(unet, inputs)
    assert all(torch.equal(inputs[name], copies[name]) for name in inputs)
    assert torch.equal(run(unet, inputs), first)


def test_clips_of_a_batch_are_independent():
    unet, inputs = in_float64(make_unet(), make_inputs())
    together = run(unet, inputs)
    for k in range(2):
        alone = run(unet, {name: tensor[k : k + 1] for name, tensor in inputs.items()})
        assert_same(alone, together[k : k + 1])


@pytest.mark.parametrize("name", ["timesteps", "text", "image", "audio", "fps", "frame_index"])
def test_every_condition_matters(name):
    inputs, unet = make_inputs(), make_unet()
    changed = inputs[name].flip(0)
    assert (run(unet, inputs, **{name: changed}) - run(unet, inputs)).abs().max() > 1e-4


def test_fps_per_frame():
    inputs, unet = make_inputs(), make_unet()
    per_frame = inputs["fps"][:, None].repeat(1, 3)
    torch.testing.assert_close(run(unet, inputs, fps=per_frame), run(unet, inputs))
    per_frame[:, 1] = 12
    assert (run(unet, inputs, fps=per_frame) - run(unet, inputs)).abs().max() > 1e-4


def test_branches_that_are_left_out():
    inputs, unet = make_inputs(), make_unet()
    whole = run(unet, inputs)
    for name in ("image", "audio"):
        assert (run(unet, inputs, **{name: None}) - whole).abs().max() > 1e-4
    # audio keys and values of zero are the same as no audio
    with torch.no_grad():
        for module_name, module in unet.named_modules():
            if module_name.endswith("to_v_ap"):
                module.weight.zero_()
    torch.testing.assert_close(run(unet, inputs), run(unet, inputs, audio=None))


def test_audio_scale_is_one_plus_tanh_of_beta():
    config = dataclasses.replace(TINY, attention_levels=())
    unet, inputs = in_float64(make_unet(config), make_inputs(config))
    attention = unet.middle_block[1].transformer_blocks[0].attn2
    with torch.no_grad():
        attention.beta.fill_(float("-inf"))  # tanh is -1
        assert_same(run(unet, inputs), run(unet, inputs, audio=None))
        attention.beta.fill_(0.3)
        expected = run(unet, inputs)
        attention.to_v_ap.weight.mul_(1 + math.tanh(0.3))
        attention.beta.zero_()
    assert_same(run(unet, inputs), expected)


def test_beta_in_another_dtype_is_cast():
    inputs, unet = make_inputs(), make_unet()
    expected = run(unet, inputs)
    for name, parameter in unet.named_parameters():
        if name.endswith("beta"):
            parameter.data = parameter.data.double()
    found = run(unet, inputs)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)


def test_audio_tokens_are_unit_vectors():
    unet = make_unet()
    tokens = unet._audio_tokens(torch.randn(2, 3, 4, 12))
    assert tokens.shape == (2, 3, 4, 20)
    torch.testing.assert_close(tokens.norm(dim=-1), torch.ones(2, 3, 4))


def test_transformer_options_reach_the_attention_only_when_given():
    seen = []

    def attention(q, k, v, heads, mask=None, **options):
        seen.append(options)
        return sdpa_attention(q, k, v, heads, mask)

    inputs, unet = make_inputs(), make_unet(attention=attention)
    whole = run(unet, inputs)
    assert seen and all(options == {} for options in seen)
    seen.clear()
    for window in (None, (2, 1)):
        out = run(unet, inputs, transformer_options={"a": 1}, temporal_window=window)
        assert seen and all(options == {"transformer_options": {"a": 1}} for options in seen)
        if window is None:
            assert torch.equal(out, whole)


def test_plain_attention_gives_the_same():
    unet, inputs = in_float64(make_unet(), make_inputs())
    plain = make_unet(attention=einsum_softmax_attention).double()
    assert_same(run(unet, inputs), run(plain, inputs))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_finite_in(dtype):
    unet = make_unet().to(dtype)
    inputs = make_inputs()
    out = run(unet, inputs, x=inputs["x"].to(dtype))
    assert out.dtype == dtype and out.isfinite().all()
    expected = run(unet.float(), inputs)
    assert (out - expected).norm() < 0.05 * expected.norm()


def test_half_is_finite_on_a_gpu():
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    unet = make_unet().to("cuda", torch.float16)
    inputs = {name: tensor.cuda() for name, tensor in make_inputs().items()}
    out = run(unet, inputs, x=inputs["x"].half())
    assert out.dtype == torch.float16 and out.isfinite().all()


def gradients(unet, inputs):
    unet.zero_grad()
    unet(**inputs).square().mean().backward()
    return {name: parameter.grad for name, parameter in unet.named_parameters()}


@pytest.mark.parametrize("window", [None, (2, 1)])
def test_gradients_reach_every_parameter(window):
    inputs, unet = make_inputs(), make_unet().train()
    found = gradients(unet, {**inputs, "temporal_window": window})
    missing = [name for name, grad in found.items() if grad is None or grad.abs().max() < 1e-7]
    assert missing == []
    assert all(grad.isfinite().all() for grad in found.values())


def test_gradients_reach_the_audio_tokens():
    inputs, unet = make_inputs(), make_unet()
    inputs["audio"].requires_grad_()
    unet(**inputs).square().mean().backward()
    assert inputs["audio"].grad.abs().max() > 0


def test_checkpointing_gives_the_same_gradients():
    inputs, unet = make_inputs(), make_unet().train()
    expected = gradients(unet, inputs)
    calls = []
    unet.middle_block[0].register_forward_hook(lambda *_: calls.append(1))
    unet.gradient_checkpointing = True
    found = gradients(unet, inputs)
    assert len(calls) == 2  # computed again on the way back
    for name in expected:
        torch.testing.assert_close(found[name], expected[name], atol=1e-6, rtol=1e-4)


def test_new_weights_start_as_no_change_and_learn():
    """What is zero at first (the last layers) moves in the first step; everything has moved after a few."""
    torch.manual_seed(0)
    inputs, unet = make_inputs(), VideoUNet(TINY).train()
    init_weights(unet)
    assert run(unet, inputs).abs().max() == 0
    start = {name: parameter.detach().clone() for name, parameter in unet.named_parameters()}
    target = torch.randn(2, 4, 3, 4, 6)
    optimizer = torch.optim.AdamW(unet.parameters(), lr=1e-3, weight_decay=0)
    for _ in range(6):
        optimizer.zero_grad()
        (unet(**inputs) - target).square().mean().backward()
        optimizer.step()
    still = [name for name, p in unet.named_parameters() if torch.equal(p, start[name])]
    assert still == []


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"x": torch.zeros(2, 4, 3, 4, 6)}, "reads 8 channels.*brings 4"),
        ({"x": torch.zeros(2, 8, 3, 5, 6)}, "5 by 6.*multiples of 2.*16 pixels"),
        ({"fps": None}, "fps"),
        ({"frame_index": None}, "connect a plan"),
        ({"frame_index": torch.zeros(2, 4)}, "2 clips of 3 frames.*frame positions.*2 of 4"),
        ({"image": torch.zeros(2, 2, 5, 20)}, "image condition"),
        ({"audio": torch.zeros(1, 3, 4, 12)}, "audio condition"),
        ({"text": torch.zeros(2, 4, 7, 20)}, "text condition"),
        ({"temporal_window": (4, 2)}, "3 frames, fewer"),
    ],
)
def test_inputs_that_do_not_fit(change, match):
    with pytest.raises(SamplingError, match=match):
        run(make_unet(), make_inputs(), **change)


def test_a_deaf_model_refuses_audio_and_ignores_positions():
    config = OTHERS["deaf"]
    unet, inputs = make_unet(config), make_inputs(config)
    with pytest.raises(SamplingError, match="cannot hear"):
        run(unet, inputs, audio=torch.zeros(2, 3, 4, 12))
    blind = make_unet(OTHERS["no fps, no frame index"])
    inputs = make_inputs()
    assert torch.equal(run(blind, inputs), run(blind, inputs, frame_index=None))
