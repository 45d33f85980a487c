"""The motion score: torchvision's RAFT as the oracle, the weight names there and back, and the errors."""

import copy
import re

import pytest
import torch
from keyvid_pack.errors import CheckpointNamesError, KeyVIDError
from keyvid_pack.models.flow import (
    build_raft,
    motion_scores,
    raft_to_torchvision,
    shrink_tall_frames,
)
from torch.nn import functional as F
from torchvision.models.optical_flow import raft_large, raft_small

from ..helpers.tolerance import float32_tolerance

# six updates or fewer, each of which starts from the rounding of the one before through a hundred layers. How much an
# update enlarges that is not known of random weights; ten leaves a margin of 14 to the control, 1e-3 below
ROUNDING = float32_tolerance(n_steps=6, amplification=10, n_layers=100)


@pytest.fixture(scope="module")
def raft():
    """torchvision's network with random weights, its batch norms moved off their starting values."""
    torch.manual_seed(0)
    network = raft_large(weights=None).eval()
    generator = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            tensor.normal_(std=0.05, generator=generator)
        elif name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=generator)
    return network


def video(n_frames, height=128, width=136, dtype=torch.float32):
    generator = torch.Generator().manual_seed(n_frames)
    coarse = torch.rand(n_frames, 3, 9, 9, generator=generator) * 255
    return F.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 255).to(dtype)


def oracle_scores(raft, frames, n_updates):
    """Each pair by itself through torchvision's own forward; padding as RAFT's own demo does."""
    height, width = frames.shape[-2:]
    high, wide = (8 - height % 8) % 8, (8 - width % 8) % 8
    padding = [wide // 2, wide - wide // 2, high // 2, high - high // 2]
    images = F.pad(2 * (frames.float() / 255) - 1, padding, mode="replicate")
    with torch.no_grad():
        flows = [
            raft(images[i : i + 1], images[i + 1 : i + 2], num_flow_updates=n_updates)[-1][0]
            for i in range(len(images) - 1)
        ]
    return torch.stack([flow[0].abs().mean() + flow[1].abs().mean() for flow in flows])


@pytest.mark.parametrize("size", [(128, 136), (123, 133)], ids=str)
def test_scores_equal_torchvision(raft, size):
    frames = video(4, *size)
    expected = oracle_scores(raft, frames, 6)
    assert len(expected.unique()) == 3 and (expected > 0.01).all()
    found = motion_scores(frames, raft, n_updates=6)
    torch.testing.assert_close(found, expected, atol=0, rtol=ROUNDING)


def test_twenty_updates_are_the_default(raft):
    frames = video(2)
    expected = oracle_scores(raft, frames, 20)
    torch.testing.assert_close(motion_scores(frames, raft), expected, atol=0, rtol=1e-4)
    assert not torch.allclose(motion_scores(frames, raft, n_updates=6), expected, rtol=1e-3)


def test_coarse_flow_is_what_upsampling_starts_from(raft):
    """With a mask that picks the middle of the nine neighbours, upsampling repeats each vector, times 8."""
    repeating = copy.deepcopy(raft)
    with torch.no_grad():
        repeating.mask_predictor.conv.weight.zero_()
        bias = torch.full((9, 64), -1e4)
        bias[4] = 1e4
        repeating.mask_predictor.conv.bias.copy_(bias.flatten())
    frames = video(3)
    expected = oracle_scores(repeating, frames, 6) / 8
    found = motion_scores(frames, raft, n_updates=6, full_resolution=False)
    torch.testing.assert_close(found, expected, atol=0, rtol=ROUNDING)


@pytest.mark.parametrize("step", [1, 2, 5])
def test_scores_do_not_depend_on_how_pairs_are_grouped(raft, step):
    frames = video(5, dtype=torch.uint8)
    steps = []
    found = motion_scores(
        frames, raft, n_updates=3, pairs_per_step=step, on_step=lambda *now: steps.append(now)
    )
    expected = oracle_scores(raft, frames, 3)
    torch.testing.assert_close(found, expected, atol=0, rtol=ROUNDING)
    assert found.dtype == torch.float32
    assert steps == {1: [(1, 4), (2, 4), (3, 4), (4, 4)], 2: [(2, 4), (4, 4)], 5: [(4, 4)]}[step]


def test_on_step_can_cancel(raft):
    class Stop(Exception):
        pass

    done = []

    def on_step(n_done, n_pairs):
        done.append(n_done)
        raise Stop

    with pytest.raises(Stop):
        motion_scores(video(4), raft, n_updates=1, pairs_per_step=1, on_step=on_step)
    assert done == [1]
    assert not any(level.numel() > 1 for level in raft.corr_block.corr_pyramid)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        (torch.zeros(1, 3, 128, 128), "the number of frames is 1"),
        (torch.zeros(2, 3, 120, 300), "300 x 120 pixels"),
        (torch.zeros(2, 3, 300, 120), "120 x 300 pixels"),
        (torch.zeros(2, 4, 128, 128), r"shape \(2, 4, 128, 128\)"),
        (torch.zeros(3, 128, 128), r"shape \(3, 128, 128\)"),
    ],
)
def test_unusable_frames_are_errors(raft, frames, message):
    with pytest.raises(KeyVIDError, match=message):
        motion_scores(frames, raft, n_updates=1)


def test_the_smallest_allowed_frames_are_torchvisions(raft):
    assert motion_scores(video(2, 121, 121), raft, n_updates=1).isfinite().all()
    too_small = torch.zeros(1, 3, 120, 128)
    with pytest.raises(ValueError, match="too small"):
        raft(too_small, too_small, num_flow_updates=1)


def to_raft_names(state_dict):
    """The inverse map, written from torchvision's side: the names in a file of the RAFT authors."""
    renamed = {}
    for name, tensor in state_dict.items():
        new = name.replace("feature_encoder", "fnet").replace("context_encoder", "cnet")
        new = new.replace(".convnormrelu.0.", ".conv1.").replace(".convnormrelu.1.", ".norm1.")
        new = re.sub(r"^([fc]net)\.conv\.", r"\1.conv2.", new)
        new = re.sub(
            r"\.convnormrelu(\d)\.([01])\.",
            lambda m: f".{('conv', 'norm')[int(m[2])]}{m[1]}.",
            new,
        )
        for ours, theirs in (("corr", "c"), ("flow", "f")):
            new = re.sub(rf"motion_encoder\.conv{ours}(\d)\.0\.", rf"encoder.conv{theirs}\1.", new)
        new = new.replace("motion_encoder.conv.0.", "encoder.conv.")
        new = re.sub(r"recurrent_block\.convgru(\d)\.conv([zrq])\.", r"gru.conv\2\1.", new)
        new = new.replace("mask_predictor.convrelu.0.", "update_block.mask.0.")
        new = new.replace("mask_predictor.conv.", "update_block.mask.2.")
        renamed["module." + new] = tensor
        if ".downsample.1." in new:
            renamed["module." + new.replace(".downsample.1.", ".norm3.")] = tensor
    return renamed


def test_names_there_and_back(raft):
    ours = raft.state_dict()
    theirs = to_raft_names(ours)
    words = ("_encoder", "convnormrelu", "recurrent", "mask_predictor", "convgru", "convcorr")
    assert not [name for name in theirs if any(word in name for word in words)]
    assert {"module.fnet.layer1.0.conv1.weight", "module.cnet.layer2.0.norm3.running_mean"} <= {
        *theirs
    }
    back = raft_to_torchvision(theirs)
    assert back.keys() == ours.keys()
    assert all(back[name] is tensor for name, tensor in ours.items())
    assert raft_to_torchvision(ours).keys() == ours.keys()


def test_a_file_of_either_naming_gives_the_same_network(raft):
    frames = video(2)
    expected = motion_scores(frames, raft, n_updates=2)
    for weights in (raft.state_dict(), to_raft_names(raft.state_dict())):
        built = build_raft(weights)
        assert not built.training
        assert torch.equal(motion_scores(frames, built, n_updates=2), expected)


def test_other_weights_are_refused(raft):
    short = dict(raft.state_dict())
    del short["mask_predictor.conv.bias"]
    with pytest.raises(
        CheckpointNamesError, match="1 tensors .* first is mask_predictor.conv.bias"
    ):
        build_raft(short)
    with pytest.raises(CheckpointNamesError, match="not the weights of the large RAFT"):
        build_raft(raft_small(weights=None).state_dict())
    name = "mask_predictor.conv.weight"
    quantised = {**raft.state_dict(), name: raft.state_dict()[name].to(torch.int8)}
    with pytest.raises(CheckpointNamesError, match=f"quantised, the first is {name}"):
        build_raft(quantised)


def test_only_tall_frames_are_shrunk():
    frames = video(1, 480, 300)
    assert shrink_tall_frames(frames) is frames
    assert shrink_tall_frames(video(1, 720, 1280)).shape == (1, 3, 360, 853)
    tall = torch.arange(960.0)[None, None, :, None].expand(1, 3, 960, 4)
    assert shrink_tall_frames(tall)[0, 0, :3, 0].tolist() == [
        0,
        2,
        5,
    ]  # nearest, floor(i * 960 / 360)
