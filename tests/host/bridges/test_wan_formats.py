"""The bridges to Wan against the core's own nodes, in the test process, with a small random VAE of Wan's layout."""

from types import SimpleNamespace

import pytest
import torch

from ...helpers.core_models.files import write_core_models

SIZE = {"width": 48, "height": 32}
TEXT = [[torch.zeros(1, 1, 8), {}]]


@pytest.fixture(scope="module")
def core_models(tmp_path_factory):
    """A models folder with ComfyUI's own models, small and random."""
    folder = tmp_path_factory.mktemp("core_models")
    write_core_models(folder)
    return folder


@pytest.fixture(scope="module")
def wan_vae(comfyui, core_models):
    """Wan's VAE as VAELoader loads it."""
    import comfy.sd
    import comfy.utils

    tensors, metadata = comfy.utils.load_torch_file(
        str(core_models / "vae" / "tiny_wan_vae.safetensors"), return_metadata=True
    )
    with torch.inference_mode():
        yield comfy.sd.VAE(sd=tensors, metadata=metadata)


def plan_at(frames, n_frames):
    from keyvid_pack.keyframes.plan import plan_at_frames

    return plan_at_frames(frames, fps=16, n_frames=n_frames)


def images_of(count, seed=0):
    """Images (count, 32, 48, 3) in whole levels, which resizing leaves as they are."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 32, 48, 3), generator=generator) / 255


def control(frames, n_frames, *, hold, images):
    """What Keyframe Control Video gives: control video (N, H, W, 3) and masks (N, H, W)."""
    from keyvid_pack.nodes.keyframe_control_video import KeyframeControlVideo

    plan = plan_at(frames, n_frames)
    video, masks, length, width, height, _ = KeyframeControlVideo.execute(
        images=images, plan=plan, width=0, height=0, hold=hold
    ).args
    assert (length, width, height) == (n_frames, SIZE["width"], SIZE["height"])
    return video, masks


def vace(vae, video, masks):
    """(kept (1, 16, T, h, w), masks (1, 64, T, h, w)) that WanVaceToVideo makes."""
    from comfy_extras.nodes_wan import WanVaceToVideo

    n_frames = len(video)
    positive = WanVaceToVideo.execute(
        TEXT, TEXT, vae, **SIZE, length=n_frames, batch_size=1, strength=1.0,
        control_video=video, control_masks=masks,
    )[0]  # fmt: skip
    frames, mask = positive[0][1]["vace_frames"][0], positive[0][1]["vace_mask"][0]
    return frames[:, :16], mask


def kept_latents(mask):
    """Which latents are kept; fails unless a latent's mask is one value."""
    levels = mask[0].movedim(1, 0).flatten(1)  # (T, everything else)
    assert ((levels == 0).all(1) | (levels == 1).all(1)).all()
    return {int(j) for j in (levels[:, 0] == 0).nonzero()}


class NoVAE:
    """Stands in for the VAE where only the masks are looked at: they do not depend on it."""

    def encode(self, video):
        n_latents = (len(video) - 1) // 4 + 1
        return torch.zeros(1, 16, n_latents, video.shape[1] // 8, video.shape[2] // 8)


@pytest.mark.parametrize("hold", ["group", "frame"])
@pytest.mark.parametrize("n_frames", [5, 17, 81])
def test_every_keyframes_mask_survives_the_cores_reduction(comfyui, n_frames, hold):
    """Plans with a keyframe on each frame in turn, alone and with a neighbour."""
    with torch.inference_mode():
        for frame in range(1, n_frames):
            for frames in ([0, frame], sorted({0, frame, min(frame + 1, n_frames - 1)})):
                images = images_of(len(frames))
                video, masks = control(frames, n_frames, hold=hold, images=images)
                kept = kept_latents(vace(NoVAE(), video, masks)[1])
                with_image = {(f + 3) // 4 for f in range(n_frames) if (video[f] != 0.5).any()}
                assert kept == with_image >= {(f + 3) // 4 for f in frames}


def test_a_mask_over_the_keyframes_alone_is_lost(comfyui):
    """The plain way through the same node: the test above can fail."""
    masks = torch.ones(81, 32, 48)
    masks[[0, 6, 40]] = 0
    kept = kept_latents(vace(NoVAE(), torch.full((81, 32, 48, 3), 0.5), masks)[1])
    assert kept == {10}


@pytest.mark.parametrize("hold", ["group", "frame"])
def test_images_are_kept_and_nothing_of_them_is_painted_over(comfyui, wan_vae, hold):
    from comfy_extras.nodes_wan import WanVaceToVideo

    video, masks = control([0, 6, 11], 17, hold=hold, images=images_of(3))
    positive = WanVaceToVideo.execute(
        TEXT, TEXT, wan_vae, **SIZE, length=17, batch_size=1, strength=1.0,
        control_video=video, control_masks=masks,
    )[0]  # fmt: skip
    frames = positive[0][1]["vace_frames"][0]
    grey = wan_vae.encode(torch.full((17, 32, 48, 3), 0.5))
    assert torch.equal(frames[:, 16:], grey), "an image is in the part that the model paints over"
    assert torch.equal(frames[:, :16], wan_vae.encode(video))


def kept_of_the_image(vae, frame, *, hold):
    """How much of a keyframe's image is in the latent that is kept: by how far another image moves it.

    The figures of KeyVID_KeyframeControlVideo.md are the means over `networks.random_weights` of seeds 0 to 7.
    """
    first, one, other = images_of(3, seed=7).split(1)
    latents = []
    for image in (one, other):
        video, masks = control([0, frame], 25, hold=hold, images=torch.cat([first, image]))
        latents.append(vace(vae, video, masks)[0])
    moved = (latents[0] - latents[1]).square().sum(dim=(0, 1, 3, 4)).sqrt()  # (T,)
    group = (frame + 3) // 4
    assert (moved[:group] == 0).all(), "the latents before the keyframe know of it"
    return moved[group].item()


@pytest.mark.parametrize("frame", [13, 14, 15, 16])
def test_a_held_image_is_more_of_what_is_kept(comfyui, wan_vae, frame):
    """Why `group` is the default: on its own frame alone an image shares its latent with three grey frames."""
    alone = kept_of_the_image(wan_vae, frame, hold="frame")
    held = kept_of_the_image(wan_vae, frame, hold="group")
    assert 0 < alone < held


def masked(vae, frames, n_frames, *, images):
    """What Wan Keyframes To Video puts on the positive."""
    from keyvid_pack.nodes.keyframe_masked_video import WanKeyframesToVideo

    plan = plan_at(frames, n_frames)
    positive, negative, latent = WanKeyframesToVideo.execute(
        positive=TEXT, negative=TEXT, vae=vae, images=images, plan=plan, **SIZE
    ).args
    assert torch.equal(positive[0][1]["concat_mask"], negative[0][1]["concat_mask"])
    assert latent["samples"].shape == positive[0][1]["concat_latent_image"].shape
    return positive[0][1]


def test_first_and_last_frame_is_what_the_cores_node_gives(comfyui, wan_vae):
    from comfy_extras.nodes_wan import WanFirstLastFrameToVideo

    images = images_of(2)
    ours = masked(wan_vae, [0, 16], 17, images=images)
    core, _, latent = WanFirstLastFrameToVideo.execute(
        TEXT, TEXT, wan_vae, **SIZE, length=17, batch_size=1,
        start_image=images[:1], end_image=images[1:],
    ).args  # fmt: skip
    for key in ("concat_latent_image", "concat_mask"):
        assert torch.equal(ours[key], core[0][1][key])
    assert latent["samples"].shape == ours["concat_latent_image"].shape


@pytest.mark.parametrize("frames", [[0, 1], [0, 4, 5, 8], [0, 2, 3, 12, 15]])
def test_the_masked_video_is_what_wan_dancer_takes(comfyui, wan_vae, frames):
    """Exact rows, by the core's own reading of a mask per frame; black and grey are all that differs."""
    from comfy_extras.nodes_wandancer import WanDancerVideo
    from keyvid_pack.nodes.keyframe_masked_video import KeyframeMaskedVideo

    images = images_of(len(frames))
    for empty, level in (("black", 0.0), ("grey", 0.5)):
        video, mask, *size = KeyframeMaskedVideo.execute(
            images=images, plan=plan_at(frames, 17), **SIZE, between=empty
        ).args
        expected = torch.full((17, 32, 48, 3), level)
        expected[frames] = images
        assert torch.equal(video, expected) and size == [17, SIZE["width"], SIZE["height"]]
        core = WanDancerVideo.execute(
            TEXT, TEXT, wan_vae, **SIZE, length=17, start_image=video, mask=mask
        )[0][0][1]
        rows = core["concat_mask"].transpose(1, 2).flatten(1, 2)[0, :, 0, 0]
        kept = [row for row, level in enumerate(rows.tolist()) if level == 0]
        assert kept == [0, 1, 2, 3, *(frame + 3 for frame in frames[1:])]
        if empty == "grey":
            ours = masked(wan_vae, frames, 17, images=images)
            for key in ("concat_latent_image", "concat_mask"):
                assert torch.equal(ours[key], core[key])


def test_what_the_network_reads_is_1_at_kept_rows(comfyui, core_models, wan_vae):
    """Through the core's own model class: the four mask channels and the images' channels."""
    import comfy.sd

    file = str(core_models / "diffusion_models" / "tiny_wan_i2v.safetensors")
    model = comfy.sd.load_diffusion_model(file).model
    given = masked(wan_vae, [0, 6], 9, images=images_of(2))
    noise = torch.zeros_like(given["concat_latent_image"])
    concat = model.concat_cond(noise=noise, device="cpu", **given)
    assert concat.shape[1] == 20
    rows = concat[0, :4].transpose(0, 1).flatten(0, 1)[:, 0, 0]
    assert rows.nonzero().flatten().tolist() == [0, 1, 2, 3, 9]


def hunyuan_video_vae():
    """What ComfyUI makes of HunyuanVideo's VAE, with fewer channels: it groups frames in fours as Wan's does."""
    from comfy.ldm.models.autoencoder import AutoencoderKL

    layers = {"ch": 32, "ch_mult": [1, 2], "num_res_blocks": 1, "attn_resolutions": []}
    latents = {"double_z": True, "z_channels": 16, "resolution": 32, "dropout": 0.0}
    colours = {"in_channels": 3, "out_ch": 3, "conv3d": True, "time_compress": 4}
    network = AutoencoderKL(ddconfig=layers | latents | colours, embed_dim=16)
    facts = {"downscale_index_formula": (4, 8, 8), "latent_channels": 16}
    return SimpleNamespace(first_stage_model=network, **facts)


def test_the_vae_of_another_model_that_groups_frames_in_fours_is_refused(comfyui, wan_vae):
    from keyvid_pack.errors import KeyVIDError
    from keyvid_pack.host.bridges.wan_conditioning import check_wan_vae

    check_wan_vae(wan_vae, **SIZE)
    other = hunyuan_video_vae()
    assert other.downscale_index_formula == wan_vae.downscale_index_formula
    assert other.latent_channels == wan_vae.latent_channels
    with pytest.raises(KeyVIDError, match="not one of Wan's"):
        check_wan_vae(other, **SIZE)
