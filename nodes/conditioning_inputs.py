"""The inputs that Keyframe Conditioning and Interpolation Conditioning have alike."""

from comfy_api.latest import io

from ..host.images import FITS
from ..host.sampling.conditioning import HEIGHT, WIDTH

SIZE_STEP = 32  # pixels; the published models want multiples of 64, small ones do with less


def model_inputs():
    """What to paint with, and the text."""
    return [
        io.Model.Input(
            "model",
            tooltip="From Load KeyVID Model or Load KeyVID Checkpoint. It is only asked what it needs.",
        ),
        io.Conditioning.Input("positive", tooltip="The prompt, from CLIP Text Encode."),
        io.Conditioning.Input(
            "negative",
            tooltip="From CLIP Text Encode; the models were released with an empty text.",
        ),
        io.ClipVision.Input(
            "clip_vision", tooltip="OpenCLIP ViT-H, with which the model looks at the picture."
        ),
        io.Vae.Input("vae", tooltip="The VAE of Stable Diffusion 1.5 or 2."),
    ]


def sound_inputs():
    """Optional inputs: what a model with ears needs, and one without refuses."""
    return [
        io.AudioEncoder.Input(
            "audio_encoder",
            optional=True,
            tooltip="ImageBind, from Load Audio Encoder. Leave it out for plain DynamiCrafter, which cannot hear.",
        ),
        io.Audio.Input(
            "audio",
            optional=True,
            tooltip="The sound from Clip Audio. Leave it out for plain DynamiCrafter.",
        ),
    ]


def size_inputs():
    """Size of the video, how pictures are brought to it, and the fps condition."""
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
            tooltip="How a picture of other proportions is brought to the size. crop: fill it and cut off what "
            "hangs over. pad: show all of it, between black bars. stretch: change its proportions.",
        ),
        io.Int.Input(
            "fps_condition",
            display_name="fps condition",
            default=0,
            min=0,
            max=240,
            advanced=True,
            tooltip="What the model is told about its frame rate: higher means less motion between two frames. It does "
            "not change the fps of the video. 0 is the released value: 6 for keyframes, 24 for the others.",
        ),
    ]


def outputs(latent_tooltip):
    return [
        io.Conditioning.Output(
            display_name="positive", tooltip="For Multimodal CFG: text, picture and sound."
        ),
        io.Conditioning.Output(
            display_name="negative",
            tooltip="For Multimodal CFG: the negative text, a grey picture, no sound.",
        ),
        io.Latent.Output(display_name="latent", tooltip=latent_tooltip),
    ]
