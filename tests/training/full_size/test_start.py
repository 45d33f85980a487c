"""What a training begins with: DynamiCrafter's weights, new ones that change nothing, and which of them are trained."""

import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.models.build import expected_shapes
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint, part_tensors
from keyvid_pack.models.encoders.localizer import TOWER
from keyvid_pack.models.encoders.resampler import PUBLISHED_RESAMPLER, Resampler
from keyvid_pack.models.unet import config as unet_config
from keyvid_pack.models.unet.unet import VideoUNet
from keyvid_pack.training.full_size import start

from ...helpers import published
from ...helpers.real_videos.full_training import OLD_FRAMES


def stretched(latents, n_from, n_to, n_queries):
    """Linear between neighbours: frame f of n_to lies at (f + 1/2) n_from / n_to - 1/2 of the old ones, ends kept."""
    old = latents.reshape(n_from, n_queries, -1).double()
    new = torch.empty(n_to, *old.shape[1:], dtype=torch.float64)
    for f in range(n_to):
        place = min(max((f + 0.5) * n_from / n_to - 0.5, 0), n_from - 1)
        low = int(place)
        high = min(low + 1, n_from - 1)
        new[f] = old[low] + (place - low) * (old[high] - old[low])
    return new.reshape(1, n_to * n_queries, -1)


@pytest.mark.parametrize("network", ["generator", "interpolator"])
def test_dynamicrafter_becomes_a_network_of_keyvid(start_files, network):
    networks = start.open_video_networks(start_files, network=network, dropout=0.0)
    original = part_tensors(open_checkpoint(start_files[0]), layouts.UNET)
    ours = networks.unet.state_dict()
    assert original.keys() < ours.keys()
    assert all(torch.equal(ours[name], tensor) for name, tensor in original.items())
    added = {name: ours[name] for name in ours.keys() - original.keys()}
    silent = [name for name in added if name.endswith((".to_k_ap.weight", ".to_v_ap.weight"))]
    assert silent and all(not added[name].any() for name in silent)
    assert all(float(added[name]) == 0 for name in added if name.endswith(".beta"))
    indexed = [name for name in added if name.startswith("frame_idx_embedding.")]
    assert len(indexed) == (4 if network == "generator" else 0)
    assert not any(added[name].any() for name in indexed if ".2." in name)


def test_latents_are_stretched_from_16_frames_to_48(start_files):
    old = part_tensors(open_checkpoint(start_files[0]), layouts.RESAMPLER)["latents"]
    new = start.start_resampler(open_checkpoint(start_files[0])).latents.detach()
    expected = stretched(old, 16, 48, 16)
    # places up to 16 frames are computed in float32, with two roundings, and a value changes by at most twice the
    # largest from one frame to the next; the products and their sum round three times more
    largest = (2 * OLD_FRAMES + 3) * torch.finfo(torch.float32).eps * old.abs().max()
    assert (new - expected).abs().max() <= largest
    assert not torch.equal(new[:, :16], new[:, 16:32])


def test_the_trained_set_is_the_published_one():
    """At full size, by the names in the list of the published file (published-model a.1)."""
    with torch.device("meta"):
        unet = VideoUNet(unet_config.GENERATOR)
        resampler = Resampler(PUBLISHED_RESAMPLER)
    start.choose_trained(unet, resampler)
    trained = {name for name, p in unet.named_parameters() if p.requires_grad}
    names = published.unet_shapes(layouts.GENERATOR).keys()
    plain = published.unet_shapes(layouts.DYNAMICRAFTER).keys()
    attention_blocks = [f"input_blocks.{n}" for n in (1, 2, 4, 5, 7, 8)]
    attention_blocks += ["middle_block", *(f"output_blocks.{n}" for n in range(3, 12))]
    along_time = tuple(f"{block}.2." for block in attention_blocks)
    expected = {
        name
        for name in names
        if name.startswith((*along_time, "fps_embedding.")) or ".temopral_conv." in name
    }
    expected |= names - plain
    assert trained == expected
    assert all(parameter.requires_grad for parameter in resampler.parameters())
    assert not any("init_attn" in name for name in trained)


def test_a_missing_part_is_named(start_files):
    with pytest.raises(KeyVIDError, match="audio tower.*Name one more file"):
        start.open_video_networks(start_files[:1], network="generator", dropout=0.0)
    with pytest.raises(KeyVIDError, match="not a video model"):
        start.open_video_networks(start_files[::-1], network="generator", dropout=0.0)


def test_a_localizer_begins_with_the_tower_of_imagebind(start_files):
    localizer, _ = start.open_localizer(start_files[1:])
    original = part_tensors(open_checkpoint(start_files[1]), layouts.AUDIO)
    ours = localizer.state_dict()
    assert ours.keys() == expected_shapes("localizer", localizer.config).keys()
    taken = {name for name in original if TOWER + name in ours}
    assert original.keys() - taken == {"modality_preprocessors.audio.cls_token"}
    same = {
        name
        for name in taken
        if torch.equal(ours[TOWER + name], original[name])
        if ours[TOWER + name].shape == original[name].shape
    }
    assert taken - same == {start.POSITIONS}
    assert localizer.config.tower.grid == (29, 46)
    with pytest.raises(KeyVIDError, match="not a localizer or an audio tower"):
        start.open_localizer(start_files[:1])
