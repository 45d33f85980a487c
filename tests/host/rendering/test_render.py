"""Render Video on small networks: windows painted once, a stopped run that goes on, a retake that changes its frames
and no other."""

import av
import pytest
import torch
from keyvid_pack.errors import KeyVIDError, SamplingError
from keyvid_pack.keyframes.timebase import n_samples_at

from ...helpers import small_encoders, small_video
from ...helpers.conditioned import conditioned_interpolation, conditioned_keyframes
from ...helpers.hostile.limits import room_for
from ...helpers.small_video import Forwards, guided

N_FRAMES = 100
FRAMES = (0, 9, 20, 33, 41, 52, 66, 75, 88)
SOUND = small_encoders.audio(N_FRAMES / 24)
N_STEPS = 2


class SeenVAE:
    """Gray images that show the latents' first channel, and keeps what it decoded."""

    latent_channels, latent_dim = 4, 2

    def __init__(self):
        self.decoded = []

    def spacial_compression_encode(self):
        return 8

    def decode(self, latents):  # (n, 4, h, w)
        self.decoded.append(latents)
        level = torch.sigmoid(latents[:, :1] / 3)
        big = torch.nn.functional.interpolate(level, scale_factor=8)
        return big.movedim(1, -1).expand(-1, -1, -1, 3)

    @property
    def frames(self):
        return torch.cat(self.decoded)


def render(
    interpolator,
    *,
    frames=FRAMES,
    n_frames=N_FRAMES,
    image_seed=0,
    noise_seed=5,
    name="video",
    louder=False,
    change=lambda latent: latent,
    vae=None,
    **more,
):
    """The latents of every frame as the VAE got them, and the VIDEO."""
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise
    from keyvid_pack.host.rendering.render import render_video
    from keyvid_pack.host.sampling.sampler import KeyframeNoise

    plan = small_encoders.plan(frames, n_frames=n_frames)
    sound = small_encoders.audio(n_frames / 24)
    if louder:
        sound = {**sound, "waveform": 2 * sound["waveform"]}
    positive, negative, latent = conditioned_interpolation(
        interpolator,
        keyframes=small_encoders.images(len(frames), seed=image_seed),
        plan=plan,
        audio=sound,
    )
    vae = vae or SeenVAE()
    with torch.inference_mode():
        video, shown = render_video(
            KeyframeNoise(Noise_RandomNoise(noise_seed)),
            guided(interpolator, (positive, negative), text_scale=2.0, audio_scale=2.0),
            small_video.keyvid(inpainted_steps=N_STEPS, eta=0.0),
            small_video.sigmas_of(interpolator, N_STEPS),
            change(latent),
            vae=vae,
            audio=sound,
            filename_prefix=name,
            **more,
        )
    return vae.frames, video, shown


@pytest.fixture
def output(comfyui, tmp_path, monkeypatch):
    """An output folder of the test's own."""
    import folder_paths

    monkeypatch.setattr(folder_paths, "output_directory", str(tmp_path))
    return tmp_path


def test_the_video_has_every_frame_and_the_sound(interpolator, output):
    frames, video, shown = render(interpolator, name="sub/video")
    assert frames.shape == (N_FRAMES, 4, 4, 6)
    (saved,) = shown["images"]
    assert (saved["filename"], saved["subfolder"], saved["type"]) == (
        "video_00001_.mp4",
        "sub",
        "output",
    )
    with av.open(str(output / "sub" / "video_00001_.mp4")) as container:
        stream, audio = container.streams.video[0], container.streams.audio[0]
        decoded = [frame.to_ndarray(format="gray") for frame in container.decode(stream)]
        rate = audio.sample_rate
        assert audio.duration * audio.time_base * rate == n_samples_at(
            N_FRAMES, fps=24, sample_rate=rate
        )
    assert len(decoded) == N_FRAMES
    assert video.get_dimensions() == (48, 32)
    shown_levels = torch.tensor([float(image.mean()) for image in decoded])
    expected = (torch.sigmoid(frames[:, :1] / 3).mean(dim=(1, 2, 3)) * 255).float()
    assert torch.corrcoef(torch.stack([shown_levels, expected]))[0, 1] > 0.9, (
        "frames are in another order"
    )


def test_the_same_render_again_paints_nothing(interpolator, output):
    frames, _, _ = render(interpolator)
    with Forwards(interpolator) as forwards:
        again, _, _ = render(interpolator)
    assert forwards.n_rows == 0 and torch.equal(frames, again)
    with Forwards(interpolator) as forwards:
        other, _, _ = render(interpolator, noise_seed=6)
    assert forwards.n_rows > 0 and not torch.equal(frames, other)


def test_a_cancelled_render_goes_on_and_equals_one_that_was_not(interpolator, output):
    import comfy.model_management as management

    with Forwards(interpolator) as whole:
        expected, _, _ = render(interpolator, name="whole")
    forwards = []

    def cancel(*_):
        forwards.append(True)
        if len(forwards) == len(whole.calls) - N_STEPS + 1:  # in the first step of the last window
            management.interrupt_current_processing(True)

    handle = interpolator.model.diffusion_model.register_forward_hook(cancel)
    try:
        with pytest.raises(management.InterruptProcessingException):
            render(interpolator, name="stopped")
    finally:
        handle.remove()
        management.interrupt_current_processing(False)
    assert not list(output.glob("stopped*.mp4"))
    with Forwards(interpolator) as the_rest:
        found, _, _ = render(interpolator, name="stopped")
    assert len(the_rest.calls) == N_STEPS
    assert torch.equal(found, expected)


def test_a_retake_changes_its_frames_and_no_other(interpolator, output):
    before, _, _ = render(interpolator)
    with Forwards(interpolator) as whole:
        render(interpolator, name="other")
    with Forwards(interpolator) as again:
        after, _, _ = render(interpolator, retake="42-51", retake_seed=1)
    assert 0 < again.n_rows < whole.n_rows, "other windows were painted too"
    changed = [i for i in range(N_FRAMES) if not torch.equal(before[i], after[i])]
    assert changed and set(changed) <= set(range(42, 52)) and len(changed) >= 9
    # a second one begins with the first one's frames
    third, _, _ = render(interpolator, retake="67-74", retake_seed=2)
    assert torch.equal(third[:67], after[:67]) and torch.equal(third[75:], after[75:])
    assert not torch.equal(third[67:75], after[67:75])


def test_a_retake_after_an_edit_keeps_the_other_frames(interpolator, output):
    """Every keyframe image changed, as when keyframes are painted anew: still only the stretch does."""
    before, _, _ = render(interpolator)
    after, _, _ = render(interpolator, image_seed=1, retake="42-51")
    same = [torch.equal(before[i], after[i]) for i in range(N_FRAMES)]
    assert all(same[:42]) and all(same[52:]) and not any(same[42:52])


def test_a_retake_without_a_finished_render_of_this_clip_says_so(interpolator, output):
    with pytest.raises(KeyVIDError, match='no finished render "video".*none that is whole'):
        render(interpolator, retake="42-51")
    render(interpolator)
    with pytest.raises(KeyVIDError, match="100 frames, this clip 110"):
        render(interpolator, n_frames=110, frames=(*FRAMES, 99), retake="42-51")
    with pytest.raises(KeyVIDError, match="another sound"):
        render(interpolator, louder=True, retake="42-51")


def test_comfyui_runs_the_node_again_when_its_folder_is_another(interpolator, output):
    from keyvid_pack.nodes.render_video import RenderVideo

    def is_cached(name, retake="", seed=0):
        found = [
            RenderVideo.fingerprint_inputs(
                filename_prefix=name, retake=retake, retake_seed=seed, noise=None
            )
            for _ in range(2)
        ]
        return found[0] == found[1]

    assert is_cached("stamp") and is_cached(None)
    render(interpolator, name="stamp")
    assert is_cached("stamp")
    render(interpolator, name="stamp", retake="42-51", retake_seed=1)
    assert is_cached("stamp", "42-51", 1) and not is_cached("stamp"), (
        "the whole one is not in the folder"
    )
    for path in (output / "stamp_windows").iterdir():
        path.unlink()
    assert not is_cached("stamp", "42-51", 1)
    with pytest.raises(KeyVIDError, match="none that is whole"):
        render(interpolator, name="stamp", retake="42-51", retake_seed=1)
    assert not is_cached("stamp"), "what the message says to run would come from the cache"
    render(interpolator, name="stamp")
    assert is_cached("stamp")


def test_the_latent_counts_and_what_cannot_be_used_is_refused(interpolator, output):
    frames, _, _ = render(interpolator)
    other, _, _ = render(
        interpolator, change=lambda latent: {**latent, "samples": latent["samples"] + 1}
    )
    assert not torch.equal(frames, other)
    for change, words in (
        (lambda latent: {**latent, "noise_mask": torch.ones(1, 1, N_FRAMES, 4, 6)}, "noise mask"),
        (
            lambda latent: {**latent, "samples": latent["samples"].repeat(2, 1, 1, 1, 1)},
            "one clip of",
        ),
        (lambda latent: {**latent, "samples": latent["samples"][:, :, 1:]}, "one clip of"),
    ):
        with pytest.raises(SamplingError, match=words):
            render(interpolator, change=change)


def test_another_familys_vae_is_refused_before_anything_is_painted(interpolator, output):
    with (
        Forwards(interpolator) as forwards,
        pytest.raises(KeyVIDError, match="VAE is of another family"),
    ):
        render(interpolator, vae=small_encoders.PoolingVAE(latent_channels=16, latent_dim=3))
    assert forwards.n_rows == 0


def test_a_clip_of_the_models_length_is_one_window(interpolator, output):
    frames, _, _ = render(interpolator, frames=(0, 5, 20, 40), n_frames=48)
    assert len(frames) == 48
    after, _, _ = render(
        interpolator, frames=(0, 5, 20, 40), n_frames=48, retake="21-39", retake_seed=3
    )
    changed = {i for i in range(48) if not torch.equal(frames[i], after[i])}
    assert changed and changed <= set(range(21, 40))


def test_a_guider_of_keyframes_is_refused(generator, interpolator, output):
    from comfy_extras.nodes_custom_sampler import Noise_RandomNoise
    from keyvid_pack.host.rendering.render import render_video

    plan = small_encoders.plan(FRAMES, n_frames=N_FRAMES)
    pair = conditioned_keyframes(generator, plan=plan, audio=SOUND)
    inputs = {"vae": SeenVAE(), "audio": SOUND, "filename_prefix": "video"}
    how = (small_video.keyvid(), small_video.sigmas_of(generator, 2))
    with pytest.raises(SamplingError, match="behind Interpolation Conditioning"):
        render_video(
            Noise_RandomNoise(1),
            guided(generator, pair[:2]),
            *how,
            {"samples": torch.zeros(1, 4, N_FRAMES, 4, 6), "keyvid_plan": plan},
            **inputs,
        )
    with pytest.raises(SamplingError, match="no keyframe plan"):
        render_video(Noise_RandomNoise(1), guided(generator, pair[:2]), *how, pair[2], **inputs)


@pytest.mark.parametrize("prefix", ["../out", "/tmp/out"])
def test_a_name_outside_the_output_folder_is_refused(interpolator, output, prefix):
    with pytest.raises(KeyVIDError, match="points outside"):
        render(interpolator, name=prefix)


def test_a_full_disk_leaves_no_half_video_and_what_was_painted(interpolator, output):
    render(interpolator, name="full")
    (path,) = output.glob("full*.mp4")
    n_bytes = path.stat().st_size
    path.unlink()
    # every window fits, the video does not; encoded again it may be some bytes smaller
    with room_for(n_bytes // 2), pytest.raises(KeyVIDError, match="or another disk"):
        render(interpolator, name="full")
    assert not list(output.glob("full*.mp4*"))
    with Forwards(interpolator) as forwards:
        render(interpolator, name="full")
    assert forwards.n_rows == 0
    assert path.stat().st_size > 0.9 * n_bytes
