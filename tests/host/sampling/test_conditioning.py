"""What the conditioning nodes put on CONDITIONING and LATENT, against the published code and the model."""

import pytest
import torch
from keyvid_pack.models.checkpoint.layouts import DYNAMICRAFTER, GENERATOR, INTERPOLATOR
from keyvid_pack.models.encoders.audio_tokens import (
    interpolation_audio_tokens,
    keyframe_audio_tokens,
)

from ...helpers import small_checkpoint, small_encoders, small_video
from ...helpers.conditioned import (
    conditioned_interpolation,
    conditioned_keyframes,
    without_audio,
)

SHARED = ("concat_latent_image", "keyvid_fps", "keyvid_frame_index")


# --- the keyframe stage


def test_keyframes_are_conditioned_on_text_image_audio_and_frame_index(generator):
    encoder = small_encoders.random_audio_encoder()
    positive, negative, latent = conditioned_keyframes(generator, audio_encoder=encoder)
    (text, given), (null_text, null) = positive[0], negative[0]
    torch.testing.assert_close(text, small_encoders.text(0)[0][0])
    torch.testing.assert_close(null_text, small_encoders.text(1)[0][0])
    assert given["keyvid_frame_index"].tolist() == [[0, 5, 20, 40]]
    assert given["keyvid_fps"].tolist() == [6]
    expected = keyframe_audio_tokens(encoder.tokens, given["keyvid_frame_index"])
    silent = keyframe_audio_tokens(encoder.absent, given["keyvid_frame_index"])
    torch.testing.assert_close(given["keyvid_audio"], expected, rtol=0, atol=0)
    torch.testing.assert_close(null["keyvid_audio"], silent, rtol=0, atol=0)
    for key in SHARED:
        torch.testing.assert_close(given[key], null[key], rtol=0, atol=0)
    assert latent["samples"].shape == given["concat_latent_image"].shape == (1, 4, 4, 4, 6)
    assert not latent["samples"].any()


def test_more_keyframes_than_it_was_trained_on_need_windowed_attention(generator):
    """Trained on 4 or 6: every frame of the clip at once, where a frame attends to 6 at a time, not to 5."""
    from keyvid_pack.errors import SelectionError
    from keyvid_pack.host.sampling.video_model import with_temporal_window

    plan = small_encoders.plan(frames=tuple(range(48)))
    with pytest.raises(SelectionError, match="48 keyframes, but this model was trained on 4 or 6"):
        conditioned_keyframes(generator, plan=plan)
    with pytest.raises(SelectionError, match="trained on 4 or 6"):
        conditioned_keyframes(with_temporal_window(generator, 5, 1), plan=plan)
    windowed = with_temporal_window(generator, 6, 3)
    positive, _, latent = conditioned_keyframes(windowed, plan=plan)
    assert positive[0][1]["keyvid_frame_index"].tolist() == [list(range(48))]
    assert latent["samples"].shape[2] == 48
    with pytest.raises(SelectionError, match="has 5 keyframes"):
        conditioned_keyframes(windowed, plan=small_encoders.plan(frames=(0, 1, 2, 3, 4)))


def test_every_keyframe_is_concatenated_to_the_unscaled_latent_of_the_first_image(generator):
    image = small_encoders.images(2)
    positive, _, _ = conditioned_keyframes(generator, image=image)
    concat = positive[0][1]["concat_latent_image"]
    from keyvid_pack.host.images import fit_images

    first = fit_images(image[:1], **small_encoders.SIZE)
    expected = small_encoders.PoolingVAE().encode(first)[:, :, None]  # (1, 4, 1, h, w)
    torch.testing.assert_close(concat, expected.expand(-1, -1, 4, -1, -1))


def test_only_the_first_image_is_used(generator):
    two = small_encoders.images(2)
    seen = [
        conditioned_keyframes(generator, image=image)[0][0][1]["keyvid_image"]
        for image in (two, two[:1])
    ]
    torch.testing.assert_close(*seen, rtol=0, atol=0)
    other = conditioned_keyframes(generator, image=two[1:])[0][0][1]["keyvid_image"]
    assert (other - seen[0]).abs().max() > 1e-3


def test_the_sound_is_handed_over_as_it_came(generator):
    encoder, audio = small_encoders.random_audio_encoder(), small_encoders.audio(sample_rate=22050)
    conditioned_keyframes(generator, audio_encoder=encoder, audio=audio)
    waveform, sample_rate = encoder.given
    torch.testing.assert_close(waveform, audio["waveform"], rtol=0, atol=0)
    assert sample_rate == 22050


# --- the interpolation stage


def test_the_concat_latent_has_the_keyframes_and_nothing_else(interpolator):
    keyframes, plan = small_encoders.images(4), small_encoders.plan()
    positive, negative, latent = conditioned_interpolation(
        interpolator, keyframes=keyframes, plan=plan
    )
    given = positive[0][1]
    concat = given["concat_latent_image"]
    assert concat.shape == latent["samples"].shape == (1, 4, 48, 4, 6)
    filled = concat.abs().sum(dim=(0, 1, 3, 4)).nonzero().flatten().tolist()
    assert filled == plan.frames
    torch.testing.assert_close(concat[:, :, plan.frames], given["keyvid_keyframe_latents"])
    assert given["keyvid_keyframe_frames"] == tuple(plan.frames)
    assert not {"keyvid_keyframe_latents", "keyvid_keyframe_frames"} & set(negative[0][1])
    assert latent["keyvid_plan"] is plan
    assert given["keyvid_fps"].tolist() == [24]
    assert given["keyvid_frame_index"].tolist() == [list(range(48))]


def test_frames_in_between_have_the_interpolations_audio_tokens(interpolator):
    encoder = small_encoders.random_audio_encoder()
    positive, negative, _ = conditioned_interpolation(interpolator, audio_encoder=encoder)
    for conditioning, tokens in ((positive, encoder.tokens), (negative, encoder.absent)):
        expected = interpolation_audio_tokens(tokens)
        torch.testing.assert_close(conditioning[0][1]["keyvid_audio"], expected, rtol=0, atol=0)


def test_the_interpolator_is_conditioned_on_the_first_keyframe_or_on_the_given_image(interpolator):
    keyframes, image = small_encoders.images(4), small_encoders.images(1, seed=5)

    def seen(**inputs):
        return conditioned_interpolation(interpolator, **inputs)[0][0][1]["keyvid_image"]

    first = seen(keyframes=keyframes)
    torch.testing.assert_close(first, seen(keyframes=keyframes, image=keyframes), rtol=0, atol=0)
    other = seen(keyframes=keyframes, image=image)
    assert (other - first).abs().max() > 1e-3


def test_the_latent_of_keyframes_carries_no_plan(generator):
    """Its frames are not those of the clip: Interpolated Noise would misplace them."""
    assert set(conditioned_keyframes(generator)[2]) == {"samples"}


# --- DynamiCrafter


def test_dynamicrafter_paints_every_frame_of_its_clip_without_sound(dynamicrafter):
    positive, negative, latent = conditioned_keyframes(dynamicrafter, **without_audio())
    given = positive[0][1]
    assert latent["samples"].shape == (1, 4, 48, 4, 6)
    assert given["keyvid_frame_index"].tolist() == [list(range(48))]
    assert given["keyvid_fps"].tolist() == [24]
    assert "keyvid_audio" not in given and "keyvid_audio" not in negative[0][1]


def test_dynamicrafter_joins_two_images_at_any_frame_rate(comfyui):
    model = small_encoders.model_of(kind=DYNAMICRAFTER, n_frames=16, audio_width=None)
    ends = small_encoders.plan((0, 15), n_frames=16, fps=8.0)
    inputs = without_audio(keyframes=small_encoders.images(2), plan=ends, width=64, height=64)
    positive, _, latent = conditioned_interpolation(model, **inputs)
    assert latent["samples"].shape[2] == 16
    given = positive[0][1]
    filled = given["concat_latent_image"].abs().amax(dim=(0, 1, 3, 4)) > 0
    assert filled.nonzero().flatten().tolist() == [0, 15]
    assert "keyvid_keyframe_latents" not in given  # its sampling sets no keyframes, as released


# --- both


@pytest.mark.parametrize("node", [conditioned_keyframes, conditioned_interpolation])
def test_the_fps_condition_can_be_chosen(node, generator, interpolator):
    model = generator if node is conditioned_keyframes else interpolator
    positive, negative, _ = node(model, fps_condition=11)
    assert positive[0][1]["keyvid_fps"].tolist() == negative[0][1]["keyvid_fps"].tolist() == [11]


def test_what_came_in_is_unchanged_and_every_entry_is_conditioned(generator):
    positive = [*small_encoders.text(0), *small_encoders.text(2)]
    positive[1][1]["strength"] = 0.5
    given, _, _ = conditioned_keyframes(generator, positive=positive)
    assert [sorted(entry) for _, entry in positive] == [
        ["pooled_output"],
        ["pooled_output", "strength"],
    ]
    assert given[1][1]["strength"] == 0.5
    assert all("keyvid_image" in entry for _, entry in given)


def test_nothing_is_left_of_an_earlier_stage(interpolator, dynamicrafter):
    """Conditioning of one stage, fed into the next one for want of a text node."""
    positive, negative, _ = conditioned_interpolation(interpolator)
    given = conditioned_keyframes(
        dynamicrafter, **without_audio(positive=positive, negative=negative)
    )
    for conditioning in given[:2]:
        entry = conditioning[0][1]
        assert not {"keyvid_audio", "keyvid_keyframe_latents", "keyvid_keyframe_frames"} & set(
            entry
        )
        assert entry["keyvid_fps"].tolist() == [24]


@pytest.mark.parametrize("kind", [GENERATOR, INTERPOLATOR, DYNAMICRAFTER])
def test_the_model_samples_what_it_is_conditioned_on(kind, generator, interpolator, dynamicrafter):
    """All the way: conditioning, guider, sampler; each of the inputs shows in a step without guidance."""
    from keyvid_pack.host.sampling.sampler import keyvid_sigmas

    model = {GENERATOR: generator, INTERPOLATOR: interpolator, DYNAMICRAFTER: dynamicrafter}[kind]
    node = conditioned_interpolation if kind == INTERPOLATOR else conditioned_keyframes
    silent = without_audio() if kind == DYNAMICRAFTER else {}

    def video(**changes):
        positive, negative, latent = node(model, **{**silent, **changes})
        scales = {"image_scale": 1.0, "text_scale": 1.0, "audio_scale": 1.0, "rescale": 0.0}
        guider = small_video.guided(model, (positive, negative), **scales)
        noise = small_video.unit_noise(n_frames=latent["samples"].shape[2])
        sigmas = keyvid_sigmas(model, n_steps=1)
        return small_video.run(guider, noise=noise, latent=latent["samples"], sigmas=sigmas)

    first = video()
    assert first.isfinite().all()
    torch.testing.assert_close(first, video(), rtol=0, atol=0)
    images = "keyframes" if kind == INTERPOLATOR else "image"
    n_images = 4 if kind == INTERPOLATOR else 1
    changes = [
        {"positive": small_encoders.text(3)},
        {images: small_encoders.images(n_images, seed=3)},
        {"fps_condition": 3},
    ]
    if kind != DYNAMICRAFTER:
        changes.append({"audio_encoder": small_encoders.random_audio_encoder(seed=3)})
        changes.append({"plan": small_encoders.plan((0, 9, 20, 40))})
    for change in changes:
        assert (video(**change) - first).abs().max() > 1e-4, change


def test_encoders_of_a_whole_file_condition_its_model(generator, tmp_path):
    """No stub: image, sound and VAE through the networks of one small file."""
    from keyvid_pack.host.loaders.audio_encoder import audio_encoder_of
    from keyvid_pack.host.loaders.encoders import clip_vision_of, vae_of
    from keyvid_pack.models.checkpoint.checkpoint import open_tensors
    from keyvid_pack.models.encoders.vae_config import VAEConfig, vae_shapes

    eightfold = VAEConfig(
        channels=32, channel_mult=(1, 1, 1, 1), num_res_blocks=1, z_channels=4, embed_channels=4
    )
    shapes = {
        name: shape
        for name, shape in small_checkpoint.whole_shapes().items()
        if not name.startswith("first_stage_model.")
    }
    shapes |= {f"first_stage_model.{name}": shape for name, shape in vae_shapes(eightfold).items()}
    file = open_tensors(small_checkpoint.filled(shapes), small_checkpoint.METADATA)
    positive, negative, latent = conditioned_keyframes(
        generator,
        clip_vision=clip_vision_of(file),
        vae=vae_of(file),
        audio_encoder=audio_encoder_of(file),
        audio=small_encoders.audio(sample_rate=44100),
    )
    noise = small_video.unit_noise()
    guider = small_video.guided(generator, (positive, negative))
    assert small_video.run(guider, noise=noise, latent=latent["samples"]).isfinite().all()
    difference = positive[0][1]["keyvid_audio"] - negative[0][1]["keyvid_audio"]
    assert difference.abs().max() > 1e-4
