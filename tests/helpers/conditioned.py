"""Keyframe and Interpolation Conditioning, called on small encoders."""

import torch

from . import small_encoders


def conditioned_keyframes(model, **changes):
    """(positive, negative, latent) of Keyframe Conditioning; changes: other inputs, None leaves one out."""
    from keyvid_pack.host.sampling.conditioning import keyframe_conditioning

    inputs = {"image": small_encoders.images(), **_inputs(), **changes}
    return _call(keyframe_conditioning, model, inputs)


def conditioned_interpolation(model, **changes):
    from keyvid_pack.host.sampling.conditioning import interpolation_conditioning

    inputs = {"keyframes": small_encoders.images(4), **_inputs(), **changes}
    return _call(interpolation_conditioning, model, inputs)


def _inputs():
    return {
        "positive": small_encoders.text(0),
        "negative": small_encoders.text(1),
        "clip_vision": small_encoders.clip_vision(),
        "vae": small_encoders.PoolingVAE(),
        "plan": small_encoders.plan(),
        "audio_encoder": small_encoders.random_audio_encoder(),
        "audio": small_encoders.audio(),
        **small_encoders.SIZE,
    }


def _call(function, model, inputs):
    inputs = {name: value for name, value in inputs.items() if value is not None}
    with torch.inference_mode():
        return function(model, inputs.pop("positive"), inputs.pop("negative"), **inputs)


def without_audio(**changes):
    """Inputs without sound and plan, as for a plain DynamiCrafter."""
    return {"plan": None, "audio": None, "audio_encoder": None, **changes}
