"""The inputs and outputs that Keyframe Conditioning and Interpolation Conditioning share."""

from comfy_api.v0_0_2 import io

from ..host.images import FITS
from ..host.sampling.defaults import HEIGHT, WIDTH

SIZE_STEP = 32  # pixels; the published models need multiples of 64, small ones take less


def model_inputs() -> list[io.Input]:
    """The model, the text, and the encoders of image and video."""
    return [
        io.Model.Input(
            "model",
            tooltip="From Load KeyVID Model or Load KeyVID Checkpoint. It is not run here; the node only reads its "
            "sizes.",
        ),
        io.Conditioning.Input("positive", tooltip="The prompt, from CLIP Text Encode."),
        io.Conditioning.Input(
            "negative",
            tooltip="From CLIP Text Encode; the published code uses an empty text.",
        ),
        io.ClipVision.Input(
            "clip_vision", tooltip="OpenCLIP ViT-H, which encodes the image for the model."
        ),
        io.Vae.Input("vae", tooltip="The VAE of Stable Diffusion 1.5 or 2."),
    ]


def audio_inputs() -> list[io.Input]:
    """Optional inputs, which a model with an audio input needs and one without refuses."""
    return [
        io.AudioEncoder.Input(
            "audio_encoder",
            optional=True,
            tooltip="ImageBind, from Load Audio Encoder. Leave it out for DynamiCrafter, which has no audio input.",
        ),
        io.Audio.Input(
            "audio",
            optional=True,
            tooltip="The sound from Clip Audio. Leave it out for plain DynamiCrafter.",
        ),
    ]


def size_inputs() -> list[io.Input]:
    """Size of the video, how images are brought to it, and the fps condition."""
    size = {"min": SIZE_STEP, "max": 4096, "step": SIZE_STEP}
    return [
        io.Int.Input(
            "width",
            default=WIDTH,
            **size,
            tooltip="Width of the video in pixels. The KeyVID models were trained on 512 x 320.",
        ),
        io.Int.Input("height", default=HEIGHT, **size, tooltip="Height of the video in pixels."),
        io.Combo.Input(
            "fit",
            options=list(FITS),
            default=FITS[0],
            tooltip="How an image of other proportions is brought to the size. crop: fill the size and cut off the "
            "rest. pad: show the whole image between black bars. stretch: change its proportions.",
        ),
        io.Int.Input(
            "fps_condition",
            display_name="fps condition",
            default=0,
            min=0,
            max=240,
            advanced=True,
            tooltip="The frame rate that the model is conditioned on: higher means less motion between two frames. It "
            "does not change the fps of the video. 0 is the published value: 6 for keyframes, 24 for the others.",
        ),
    ]


def outputs(latent_tooltip: str) -> list[io.Output]:
    """Both conditionings and the empty latent."""
    return [
        io.Conditioning.Output(
            display_name="positive", tooltip="For Multimodal CFG: text, image and audio."
        ),
        io.Conditioning.Output(
            display_name="negative",
            tooltip="For Multimodal CFG: the negative text, a grey image, no audio.",
        ),
        io.Latent.Output(display_name="latent", tooltip=latent_tooltip),
    ]
