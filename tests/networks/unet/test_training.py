"""Training the video UNet: gradients, checkpointing, and how new weights start."""

import pytest
import torch
from keyvid_pack.models.unet.unet import VideoUNet, init_weights

from ...helpers.small_unet import TINY, make_inputs, make_unet, run


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


def test_checkpointing_gives_the_same_output_and_gradients():
    inputs, unet = make_inputs(), make_unet().train()
    expected, plain = gradients(unet, inputs), unet(**inputs)
    calls = []
    unet.gradient_checkpointing = True
    assert torch.equal(unet(**inputs), plain)
    unet.middle_block[0].register_forward_hook(lambda *_: calls.append(1))
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
