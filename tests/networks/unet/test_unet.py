"""The video UNet's conditions, chunks and dtypes, and its error messages."""

import dataclasses
import math

import pytest
import torch
from keyvid_pack.errors import SamplingError
from keyvid_pack.models.attention import sdpa_attention
from keyvid_pack.models.unet import context as unet_context
from keyvid_pack.models.unet.unet import sinusoids

from ...helpers.small_unet import OTHERS, TINY, assert_same, in_float64, make_inputs, make_unet, run
from ...oracles.plain_attention import einsum_softmax_attention


@pytest.mark.parametrize("name", OTHERS)
def test_every_kind_runs(name):
    config = OTHERS[name]
    inputs = make_inputs(config, n_clips=1, n_frames=2, size=(4, 8))
    out = run(make_unet(config), inputs)
    assert out.shape == (1, config.out_channels, 2, 4, 8)
    assert out.isfinite().all() and out.std() > 1e-3


def test_sinusoids():
    # cosines before sines; frequencies fall from 1 to nearly 1 / 10000
    waves = sinusoids(torch.tensor([0, 1, 47]), 320).double()
    assert waves.shape == (3, 320)
    assert torch.equal(waves[0], torch.cat([torch.ones(160), torch.zeros(160)]).double())
    for k in (0, 80, 159):
        angle = torch.tensor(47 * 10_000 ** (-k / 160), dtype=torch.float64)
        torch.testing.assert_close(waves[2, k], angle.cos(), atol=1e-5, rtol=0)
        torch.testing.assert_close(waves[2, 160 + k], angle.sin(), atol=1e-5, rtol=0)


def test_one_window_is_full_attention():
    unet, inputs = in_float64(make_unet(), make_inputs(n_frames=4))
    whole = run(unet, inputs)
    assert_same(run(unet, inputs, temporal_window=(4, 2)), whole)
    difference = run(unet, inputs, temporal_window=(2, 1)) - whole
    assert difference.abs().max() > 1e-3


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
def test_chunks_change_nothing(monkeypatch, per_frame):
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
    monkeypatch.setattr(unet_context, "MAX_CHUNK_ELEMENTS", 1)
    small = run(unet, inputs), run(unet, inputs, **windowed)
    assert sizes == [2] * 6  # one frame of both clips at a time, three frames, two forwards
    for a, b in zip((*whole, trained), (*small, small[0]), strict=True):
        assert_same(a, b)


def test_chunks_of_unequal_size_are_joined(monkeypatch):
    monkeypatch.setattr(unet_context, "MAX_CHUNK_ELEMENTS", 20)
    x, seen = torch.randn(2, 7, 3), []

    def double(rows):
        seen.append(rows)
        return 2 * x[:, rows]

    with torch.no_grad():
        found = unet_context.chunked(double, 7, n_elements=6, dim=1)
    assert torch.equal(found, 2 * x)
    assert seen == [slice(0, 3), slice(3, 6), slice(6, 9)]
    seen.clear()
    unet_context.chunked(double, 7, n_elements=6, dim=1)
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
    unet, inputs = in_float64(make_unet(), make_inputs())
    per_frame = inputs["fps"][:, None].repeat(1, 3)
    assert_same(run(unet, inputs, fps=per_frame), run(unet, inputs))
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


def test_a_model_without_audio_input_refuses_audio_and_ignores_positions():
    config = OTHERS["no_audio"]
    unet, inputs = make_unet(config), make_inputs(config)
    with pytest.raises(SamplingError, match="has no audio input"):
        run(unet, inputs, audio=torch.zeros(2, 3, 4, 12))
    blind = make_unet(OTHERS["no fps, no frame index"])
    inputs = make_inputs()
    assert torch.equal(run(blind, inputs), run(blind, inputs, frame_index=None))
