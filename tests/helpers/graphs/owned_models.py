"""The workflows for models that artists own, made to run here: small random networks stand in for the files."""

from ..core_models.files import LTX2_TEXT_WIDTH, T5_WIDTH, texts, write_core_models
from .prompts import node
from .workflow_files import api_form

# what a workflow's own loader is replaced by: {class of the loader: the small file's input and name}
_LTX = {
    "CheckpointLoaderSimple": ("unet_name", "tiny_ltxav.safetensors"),
    "LTXVAudioVAELoader": ("ckpt_name", "tiny_ltx_audio_vae.safetensors"),
}
_WAN_VAE = {"VAELoader": ("vae_name", "tiny_wan_vae.safetensors")}
_VACE = {"UNETLoader": ("unet_name", "tiny_wan_vace.safetensors"), **_WAN_VAE}
_I2V = {"UNETLoader": ("unet_name", "tiny_wan_i2v.safetensors"), **_WAN_VAE}
_RIFE = {"FrameInterpolationModelLoader": ("model_name", "tiny_rife.safetensors")}
FILES = {
    "keyvid_ltx_sound": (_LTX, LTX2_TEXT_WIDTH),
    "keyvid_ltx_edits": (_LTX, LTX2_TEXT_WIDTH),
    "keyvid_wan_vace_edits": (_VACE, T5_WIDTH),
    "keyvid_wan_segments": (_I2V, T5_WIDTH),
    "keyvid_storyboard_interpolate": (_RIFE, T5_WIDTH),
}
# {(workflow, node): inputs}: small sizes, and few steps
SMALL = {
    ("keyvid_ltx_sound", "100:330"): {"value": 256},
    ("keyvid_ltx_sound", "100:324"): {"value": 128},
    ("keyvid_ltx_edits", "100:215"): {"value": 128},
    ("keyvid_ltx_edits", "100:216"): {"value": 64},
    ("keyvid_wan_vace_edits", "100:193"): {"value": 64},
    ("keyvid_wan_vace_edits", "100:194"): {"value": 48},
    ("keyvid_wan_vace_edits", "100:202"): {"value": 2},  # steps
    ("keyvid_wan_segments", "121:100:67"): {"width": 64, "height": 48},
    ("keyvid_storyboard_interpolate", "102:27"): {"width": 96, "height": 72},
}
_EDITING = "111:101:"  # the nodes of the box that edits images
_GONE = ("CLIPLoader", "LTXAVTextEncoderLoader", "LatentUpscaleModelLoader")


def tiny_form(comfy, name):
    """The API form of a workflow with small networks, texts without an encoder, and images that nobody edits."""
    write_core_models(comfy.base / "models")
    files, width = FILES[name]
    prompt = {"vae": node("VAELoader", vae_name="tiny_ltx_vae.safetensors")}
    prompt |= texts(comfy, width=width)
    instead = {}  # {(node, output) of the workflow: the wire that stands in for it}
    for key, entry in api_form(name).items():
        kind = entry["class_type"]
        inputs = {**entry["inputs"], **SMALL.get((name, key), {})}
        if kind == "KeyVID_KeyframePrompts":
            seeds = [key, 2]
        if key.startswith(_EDITING):
            if kind == "VAEDecode":
                instead[key, 0] = ["edited", 0]
                prompt["edited"] = _image_per_seed(seeds)
        elif kind == "CLIPTextEncode":
            instead[key, 0] = ["text", 0]
        elif kind == "LoraLoaderModelOnly":
            instead[key, 0] = inputs["model"]
        elif kind == "LTXVLatentUpsampler":
            prompt[key] = _enlarged(inputs["samples"])
        elif kind in files:
            prompt[key] = _loader(kind, *files[kind])
            instead[key, 2] = ["vae", 0]  # of a checkpoint
        elif kind not in _GONE:
            prompt[key] = node(kind, **inputs)
    for entry in prompt.values():
        for socket, value in entry["inputs"].items():
            while isinstance(value, list) and tuple(value) in instead:
                value = instead[tuple(value)]
            entry["inputs"][socket] = value
    return prompt


def sound_and_length(prompt):
    """The wires that bring the sound of the video and its number of frames."""
    nodes = {entry["class_type"]: key for key, entry in prompt.items()}
    if "KeyVID_FitPlanToModel" in nodes:
        return [nodes["KeyVID_FitPlanToModel"], 3], [nodes["KeyVID_FitPlanToModel"], 2]
    return [nodes["KeyVID_ClipAudio"], 0], [nodes["KeyVID_ClipAudio"], 2]


def _loader(kind, socket, file):
    kind = "UNETLoader" if kind == "CheckpointLoaderSimple" else kind
    weights = {"weight_dtype": "default"} if kind == "UNETLoader" else {}
    return node(kind, **{socket: file}, **weights)


def _enlarged(samples):
    """Stands in for the network that doubles a latent."""
    return node("LatentUpscaleBy", samples=samples, upscale_method="nearest-exact", scale_by=2.0)


def _image_per_seed(seeds):
    """Stands in for the edited images: a colour for every seed."""
    return node("EmptyImage", width=96, height=64, batch_size=1, color=seeds)
