"""Wrong wiring is caught with a message before anything runs, and right wiring is not."""

import pytest
import torch
from keyvid_pack.errors import AudioError, KeyVIDError, PlanError, PlanMismatchError, SelectionError

from ...helpers import small_encoders
from ...helpers.conditioned import (
    conditioned_interpolation,
    conditioned_keyframes,
    without_audio,
)
from ...helpers.small_encoders import PoolingVAE, plan


def refusal(error, node, model, **changes):
    """The message with which these inputs are refused."""
    with pytest.raises(error) as caught:
        node(model, **changes)
    return str(caught.value)


# --- the model


def test_a_model_of_another_family(comfyui):
    class Patcher:
        model = object()

    assert "not a KeyVID or DynamiCrafter model" in refusal(
        KeyVIDError, conditioned_keyframes, Patcher()
    )


def test_interpolator_in_the_generators_place(interpolator):
    message = refusal(KeyVIDError, conditioned_keyframes, interpolator)
    assert "is a KeyVID interpolator" in message and "needs the generator" in message


def test_generator_in_the_interpolators_place(generator):
    message = refusal(KeyVIDError, conditioned_interpolation, generator)
    assert "is a KeyVID keyframe generator" in message and "needs the interpolator" in message


def test_a_file_without_image_projection(comfyui):
    model = small_encoders.model_of(vision_width=None, keyframe_counts=(4,), size_multiple=16)
    assert "image_proj_model" in refusal(KeyVIDError, conditioned_keyframes, model)


# --- size


@pytest.mark.parametrize(
    "size, named",
    [
        ((50, 32), "48 x 32 or 64 x 32"),
        ((48, 30), "48 x 16 or 48 x 32"),
        ((100, 100), "96 x 96 or 112 x 112"),
        ((8, 8), "set it to 16 x 16."),
        ((0, 32), "16 x 32"),
    ],
)
def test_a_size_that_does_not_divide_names_the_nearest_that_do(generator, size, named):
    message = refusal(KeyVIDError, conditioned_keyframes, generator, width=size[0], height=size[1])
    assert f"{size[0]} x {size[1]}" in message and "multiples of 16" in message
    assert named in message


# --- the plan


def test_a_generator_without_plan(generator):
    assert "no plan" in refusal(PlanError, conditioned_keyframes, generator, plan=None)


def test_a_plan_for_dynamicrafter(dynamicrafter):
    message = refusal(
        PlanMismatchError, conditioned_keyframes, dynamicrafter, **without_audio(plan=plan())
    )
    assert "all 48 frames" in message and "Disconnect the plan" in message


@pytest.mark.parametrize("node", [conditioned_keyframes, conditioned_interpolation])
@pytest.mark.parametrize(
    "other, named",
    [
        ({"n_frames": 44}, "44 frames at 24 fps (1.83 s)"),
        ({"fps": 30.0}, "48 frames at 30 fps (1.60 s)"),
        ({"fps": 23.976}, "48 frames at 23.976 fps (2.00 s)"),
    ],
)
def test_a_plan_of_another_length(generator, interpolator, node, other, named):
    model = generator if node is conditioned_keyframes else interpolator
    message = refusal(PlanMismatchError, node, model, plan=plan(**other))
    assert named in message and "48 frames at 24 fps (2.00 s)" in message


def test_a_plan_at_the_models_rate_rounded_fits(generator):
    positive, _, _ = conditioned_keyframes(generator, plan=plan(fps=24.00002))
    assert "keyvid_image" in positive[0][1]


def test_a_count_the_model_was_not_trained_on_names_both(generator):
    message = refusal(
        SelectionError, conditioned_keyframes, generator, plan=plan((0, 5, 9, 20, 40))
    )
    assert "has 5 keyframes" in message and "trained on 4 or 6" in message


def test_the_interpolator_takes_any_count(interpolator):
    five = {"plan": plan((0, 5, 9, 20, 40)), "keyframes": small_encoders.images(5)}
    positive, _, _ = conditioned_interpolation(interpolator, **five)
    assert positive[0][1]["keyvid_keyframe_frames"] == (0, 5, 9, 20, 40)


def test_as_many_images_as_keyframes(interpolator):
    message = refusal(
        PlanError, conditioned_interpolation, interpolator, keyframes=small_encoders.images(3)
    )
    assert "3 images" in message and "4 keyframes" in message


# --- text and image


@pytest.mark.parametrize("name", ["positive", "negative"])
def test_text_of_another_clip(generator, name):
    message = refusal(
        KeyVIDError, conditioned_keyframes, generator, **{name: small_encoders.text(width=768)}
    )
    assert f"The {name} conditioning" in message and "768" in message and "24" in message


@pytest.mark.parametrize("empty", [[], [[None, {}]]])
def test_no_text_at_all(generator, empty):
    assert "negative" in refusal(KeyVIDError, conditioned_keyframes, generator, negative=empty)


@pytest.mark.parametrize(
    "image",
    [torch.zeros(0, 8, 8, 3), torch.zeros(8, 8, 3), torch.zeros(1, 8, 8, 1), torch.zeros(1)],
)
def test_no_image(generator, image):
    assert "no image" in refusal(KeyVIDError, conditioned_keyframes, generator, image=image)


def test_no_keyframes_are_distinguished_from_no_image(interpolator):
    nothing = torch.zeros(0, 8, 8, 3)
    for name in ("keyframes", "image"):
        message = refusal(KeyVIDError, conditioned_interpolation, interpolator, **{name: nothing})
        assert f"no image on the {name} input" in message


def test_an_image_that_is_not_finite(generator):
    image = small_encoders.images()
    image[0, 3, 3, 0] = float("nan")
    assert "not finite" in refusal(KeyVIDError, conditioned_keyframes, generator, image=image)


def test_clip_vision_of_another_width(comfyui):
    model = small_encoders.model_of(vision_width=1280, keyframe_counts=(4,), size_multiple=16)
    message = refusal(KeyVIDError, conditioned_keyframes, model)
    assert "width 40" in message and "1280" in message and "ViT-H" in message


def test_clip_vision_of_another_kind(generator):
    dino = small_encoders.clip_vision()
    dino.model_type = "dinov2"
    assert "(dinov2)" in refusal(KeyVIDError, conditioned_keyframes, generator, clip_vision=dino)


@pytest.mark.parametrize(
    "part, named",
    [("clip_vision", "no CLIP vision"), ("vae", "no VAE"), ("audio_encoder", "no audio encoder")],
)
def test_a_part_that_the_checkpoint_lacks(generator, part, named):
    """Load KeyVID Checkpoint gives None for it."""
    from keyvid_pack.host.sampling.conditioning import keyframe_conditioning

    inputs = {
        "clip_vision": small_encoders.clip_vision(),
        "vae": PoolingVAE(),
        "image": small_encoders.images(),
        "plan": plan(),
        "audio_encoder": small_encoders.random_audio_encoder(),
        "audio": small_encoders.audio(),
        **small_encoders.SIZE,
        part: None,
    }
    with pytest.raises(KeyVIDError, match=named):
        keyframe_conditioning(generator, small_encoders.text(), small_encoders.text(), **inputs)


# --- the VAE


@pytest.mark.parametrize(
    "other, named",
    [
        ({"latent_channels": 16}, "images with 16 latent channels"),
        ({"latent_channels": 16, "latent_dim": 3}, "videos with 16 latent channels"),
        ({"latent_dim": 3}, "videos with 4 latent"),
        ({"latent_dim": 1, "latent_channels": 64}, "one for audio with 64"),
        ({"scale": 4}, "4 x 4 pixels"),
    ],
)
@pytest.mark.parametrize("node", [conditioned_keyframes, conditioned_interpolation])
def test_a_vae_of_another_family(generator, interpolator, node, other, named):
    model = generator if node is conditioned_keyframes else interpolator
    message = refusal(KeyVIDError, node, model, vae=PoolingVAE(**other))
    assert named in message and "Stable Diffusion 1.5 or 2" in message


def test_comfyuis_own_vaes_are_recognised(generator):
    """The names that the check reads exist in ComfyUI: its small preview VAEs, of 4 and of 16 channels."""
    import comfy.sd
    from comfy.taesd.taesd import TAESD

    def vae(channels):
        weights = TAESD(latent_channels=channels).state_dict()
        return comfy.sd.VAE(sd={name: torch.full_like(w, 0.01) for name, w in weights.items()})

    positive, _, _ = conditioned_keyframes(generator, vae=vae(4))
    assert positive[0][1]["concat_latent_image"].shape == (1, 4, 4, 4, 6)
    assert "16 latent channels" in refusal(
        KeyVIDError, conditioned_keyframes, generator, vae=vae(16)
    )


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("node", [conditioned_keyframes, conditioned_interpolation])
def test_a_vae_that_breaks_down_at_a_single_spot(generator, interpolator, node, value):
    class Broken(PoolingVAE):
        def encode(self, images):
            latents = super().encode(images)
            latents[-1, 2, 1, 1] = value
            return latents

    model = generator if node is conditioned_keyframes else interpolator
    assert "--fp32-vae" in refusal(KeyVIDError, node, model, vae=Broken())


# --- sound


@pytest.mark.parametrize("node", [conditioned_keyframes, conditioned_interpolation])
def test_sound_and_encoder_belong_together(generator, interpolator, node):
    model = generator if node is conditioned_keyframes else interpolator
    assert "none on the audio input" in refusal(AudioError, node, model, audio=None)
    assert "no audio encoder" in refusal(AudioError, node, model, audio_encoder=None)


@pytest.mark.parametrize("given", ["audio", "audio_encoder"])
def test_audio_for_a_model_without_audio_input(dynamicrafter, given):
    thing = {
        "audio": small_encoders.audio(),
        "audio_encoder": small_encoders.random_audio_encoder(),
    }
    message = refusal(
        AudioError, conditioned_keyframes, dynamicrafter, **{**without_audio(), given: thing[given]}
    )
    assert "has no audio input" in message


@pytest.mark.parametrize("node", [conditioned_keyframes, conditioned_interpolation])
def test_a_sound_of_another_length(generator, interpolator, node):
    model = generator if node is conditioned_keyframes else interpolator
    message = refusal(AudioError, node, model, audio=small_encoders.audio(3.0))
    assert "3.00 s" in message and "2.00 s" in message


def test_an_audio_encoder_of_another_kind(generator):
    encoder = small_encoders.ForeignAudioEncoder()
    message = refusal(AudioError, conditioned_keyframes, generator, audio_encoder=encoder)
    assert "ForeignAudioEncoder" in message and "ImageBind" in message


def test_an_audio_encoder_of_another_width(generator):
    encoder = small_encoders.random_audio_encoder(768)
    message = refusal(AudioError, conditioned_keyframes, generator, audio_encoder=encoder)
    assert "768" in message and "width 32" in message


def test_a_sound_is_checked_before_an_image_is_encoded(generator):
    class Untouchable(PoolingVAE):
        def encode(self, images):
            raise AssertionError("the VAE was run")

    refusal(
        AudioError,
        conditioned_keyframes,
        generator,
        vae=Untouchable(),
        audio=small_encoders.audio(3.0),
    )
