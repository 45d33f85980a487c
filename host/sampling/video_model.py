"""KeyVID's video UNet as a ComfyUI MODEL, which ComfyUI samples, offloads, patches and previews like its own."""

from dataclasses import dataclass
from functools import partial

import comfy.conds
import comfy.latent_formats
import comfy.model_base
import comfy.model_management
import comfy.model_patcher
import comfy.model_sampling
import comfy.supported_models_base
import comfy.utils
from comfy.ldm.modules.attention import optimized_attention

from ...errors import KeyVIDError, SamplingError
from ...models.build import read_part
from ...models.checkpoint.checkpoint import open_checkpoint, refuse_kind
from ...models.checkpoint.layouts import (
    DYNAMICRAFTER,
    GENERATOR,
    INTERPOLATOR,
    RESAMPLER,
    TITLES,
    UNET,
)
from ...models.diffusion.schedule import LINEAR_END, LINEAR_START, N_TIMESTEPS
from ...models.encoders.resampler import Resampler, select_frames
from ...models.published import DYNAMICRAFTER_FRAMES, N_FRAMES
from ...models.unet.unet import VideoUNet
from .condition_keys import AUDIO, CONCAT, FPS, FRAME_INDEX, IMAGE, KIND
from .validation import PIXELS_PER_LATENT, no_image_projection

VIDEO_KINDS = (GENERATOR, INTERPOLATOR, DYNAMICRAFTER)
TEMPORAL_WINDOW = "keyvid_temporal_window"  # in transformer_options: (window, stride) in frames
# frames, as the released code sets them and then ignores them (published-model c.2)
WINDOW, STRIDE = 12, 6


@dataclass(frozen=True)
class ModelFacts:
    """What the nodes around a MODEL need to know of it.

    kind: one of VIDEO_KINDS. n_frames, fps: of the clips it makes. keyframe_counts: how many keyframes it was
    trained on. size_multiple: width and height of its pictures are multiples of this many pixels. context_width,
    vision_width, audio_width: of its text, picture and sound tokens; audio_width None cannot hear, vision_width
    None needs pictures that are resampled already.
    """

    kind: str
    n_frames: int
    fps: int
    keyframe_counts: tuple[int, ...]
    size_multiple: int
    latent_channels: int
    context_width: int
    vision_width: int | None
    audio_width: int | None

    @property
    def title(self):
        return TITLES[self.kind]


class VideoLatents(comfy.latent_formats.SD15):
    """Latents of Stable Diffusion's VAE (scale 0.18215), one per frame.

    ComfyUI decodes previews with a TAESD of that name as single pictures, and stops on the frames of a video. Without
    a name its preview method taesd shows what latent2rgb does, the colours of the latent.
    """

    latent_dimensions = 3

    def __init__(self):
        super().__init__()
        self.taesd_decoder_name = None


class VideoModelConfig(comfy.supported_models_base.BASE):
    """What ComfyUI asks of a model's configuration (published-model e.1: v-prediction, zero terminal SNR)."""

    unet_extra_config = {}
    latent_format = VideoLatents
    sampling_settings = {
        "beta_schedule": "linear",
        "linear_start": LINEAR_START,
        "linear_end": LINEAR_END,
        "timesteps": N_TIMESTEPS,
        "zsnr": True,
    }
    # ComfyUI reckons factor * 0.01 MiB per latent pixel and byte of a number, 1.29 GB at factor 1 for 12 frames of
    # 40 x 64 in float32. On a CPU such a forward takes 0.86 GB beyond the weights (docs/performance.md), a factor of
    # 0.67; a fifth on top is for what GPU kernels need. Long clips take less, 0.37 at 48 frames, since blocks work
    # in portions. No GPU has confirmed it.
    memory_usage_factor = 0.8

    def process_unet_state_dict_for_saving(self, state_dict):
        """What ComfyUI's ModelSave writes: the image projection under its published name, beside the UNet."""
        saved = super().process_unet_state_dict_for_saving(state_dict)
        inside = "model.diffusion_model.image_proj_model."
        return {name.replace(inside, "image_proj_model."): value for name, value in saved.items()}


class SampledUNet(VideoUNet):
    """The UNet with the call that ComfyUI makes of a diffusion model, and the image projection that belongs to it."""

    def __init__(self, config, resampler=None, *, operations, dtype=None, device=None):
        make = {"operations": operations, "dtype": dtype, "device": device}
        super().__init__(config, attention=optimized_attention, **make)
        self.image_proj_model = None
        if resampler is not None:
            self.image_proj_model = Resampler(resampler, attention=optimized_attention, **make)

    def to(self, *args, memory_format=None, **kwargs):
        # --force-channels-last asks for a format of pictures, which convolutions over time do not have
        return super().to(*args, **kwargs) if args or kwargs else self

    def forward(self, x, timesteps, context, transformer_options=None, control=None, **conditions):
        """v (B, 4, T, h, w) of x (B, 8, T, h, w); context: the text; conditions: the other keywords of VideoUNet."""
        options = transformer_options or {}
        return super().forward(
            x,
            timesteps,
            text=context,
            temporal_window=options.get(TEMPORAL_WINDOW),
            transformer_options=options,
            **conditions,
        )


class VideoModel(comfy.model_base.BaseModel):
    """ComfyUI's model around the UNet: turns CONDITIONING into what the network is given."""

    def __init__(self, config, facts):
        v_prediction = comfy.model_base.ModelType.V_PREDICTION
        super().__init__(config, v_prediction, unet_model=SampledUNet)
        self.keyvid = facts

    def concat_cond(self, *, noise, **conditioning):
        latent = conditioning[CONCAT]
        latent = self.process_latent_in(latent)
        return comfy.utils.resize_to_batch_size(latent, noise.shape[0]).to(noise)

    def extra_conds(self, **conditioning):
        """What every forward of one pass is given, worked out once per sampling."""
        noise, device = conditioning["noise"], conditioning["device"]
        _check_conditioning(conditioning, self.keyvid)
        _check_latent(noise, conditioning[CONCAT])
        conds = super().extra_conds(**conditioning)
        given = {
            "image": self._image_tokens(conditioning, n_frames=noise.shape[2], device=device),
            "audio": conditioning.get(AUDIO),
            "fps": conditioning.get(FPS),
            "frame_index": conditioning.get(FRAME_INDEX),
        }
        for name, value in given.items():
            if value is not None:
                conds[name] = comfy.conds.CONDRegular(value.to(device))
        return conds

    def _image_tokens(self, conditioning, *, n_frames, device):
        """(B, T, Q, C) from the tokens of the picture; those of every frame of the clip are picked from."""
        tokens = conditioning[IMAGE]
        if tokens.ndim == 3:  # (B, N, width) straight from the vision tower
            resampler = self.diffusion_model.image_proj_model
            if resampler is None:
                raise no_image_projection()
            tokens = resampler(tokens.to(device, self.get_dtype_inference()))  # (B, F, Q, C)
        if tokens.shape[1] != n_frames:
            tokens = select_frames(tokens, conditioning[FRAME_INDEX].to(tokens.device))
        return tokens

    def resize_cond_for_context_window(
        self, cond_key, cond_value, window, x_in, device, retain_index_list=()
    ):
        """Per-frame tokens follow the frames of a context window (ComfyUI's Context Windows node)."""
        if cond_key not in ("image", "audio", "frame_index"):
            return None
        return cond_value._copy_with(window.get_tensor(cond_value.cond, device, dim=1))


def _check_conditioning(conditioning, facts):
    """Raises SamplingError unless one CONDITIONING entry has what a KeyVID conditioning node gives it."""
    needed = (CONCAT, IMAGE, "cross_attn")  # the last is ComfyUI's name for the text
    if any(conditioning.get(key) is None for key in needed):
        raise SamplingError(
            f"The conditioning was not made for this model ({facts.title}): it does not bring both a text and a "
            "picture to start from. Put Keyframe Conditioning or Interpolation Conditioning between the text and the "
            "sampler."
        )
    made_for = conditioning.get(KIND, facts.kind)
    if made_for != facts.kind:
        raise SamplingError(
            f"The conditioning was made for another model ({TITLES.get(made_for, made_for)}) than the one that samples "
            f"({facts.title}); connect the same model to the conditioning node, Multimodal CFG and KeyVID Schedule."
        )
    if facts.audio_width is not None and conditioning.get(AUDIO) is None:
        raise SamplingError(
            f"The model ({facts.title}) moves to sound, and the conditioning brings none; connect audio and an audio "
            "encoder to the conditioning node."
        )
    for key, name in (("control", "ControlNet"), ("gligen", "GLIGEN")):
        if conditioning.get(key) is not None:
            raise SamplingError(
                f"The conditioning carries a {name}, which is made for single pictures of another model; take it out "
                "of the conditioning of KeyVID and DynamiCrafter."
            )


def _check_latent(noise, concat):
    """Raises SamplingError unless the latent that is sampled has the shape of the conditioning's concat latent."""
    remedy = "connect the latent output of the same conditioning node."
    if noise.ndim != concat.ndim or noise.shape[1] != concat.shape[1]:
        raise SamplingError(
            f"The latent on the sampler has shape {tuple(noise.shape)}, but this model paints videos (clips, "
            f"{concat.shape[1]} channels, frames, height, width); {remedy}"
        )
    n_frames, wanted = noise.shape[2], concat.shape[2]
    if n_frames != wanted:
        # ComfyUI makes clips of one frame out of a batch of pictures
        found = "is for single pictures" if n_frames == 1 else f"has {n_frames} frames"
        raise SamplingError(
            f"The latent on the sampler {found}, but the conditioning was made for {wanted} frames; {remedy}"
        )
    if noise.shape[-2:] != concat.shape[-2:]:
        found, wanted = (_pixels(latent) for latent in (noise, concat))
        raise SamplingError(
            f"The latent on the sampler is for pictures of {found} pixels, but the conditioning was made for {wanted}; "
            f"{remedy}"
        )


def _pixels(latent):
    """The size of a latent's pictures as a sentence says it."""
    height, width = (PIXELS_PER_LATENT * side for side in latent.shape[-2:])
    return f"{width} x {height}"


def load_video_model(path, *, dtype=None, disable_dynamic=False):
    """A MODEL (ModelPatcher) of a generator, interpolator or DynamiCrafter file, told by its content.

    dtype: to hold the weights in; None lets ComfyUI choose. Its `model.keyvid` is a ModelFacts.
    Raises CheckpointError when the file is none of these.
    """
    return video_model_of(open_checkpoint(path), dtype=dtype, disable_dynamic=disable_dynamic)


def video_model_of(checkpoint, *, dtype=None, disable_dynamic=False):
    """What load_video_model gives, of a file that is open already (models/checkpoint)."""
    if checkpoint.kind not in VIDEO_KINDS:
        refuse_kind(checkpoint, "a video model", "Load it with its own node.")
    unet = read_part(checkpoint, UNET)
    weights, resampler = dict(unet.tensors), None
    if RESAMPLER in checkpoint.layout.parts:
        projection = read_part(checkpoint, RESAMPLER)
        resampler = projection.config
        weights |= {f"image_proj_model.{name}": t for name, t in projection.tensors.items()}
    config = _model_config(unet.config, resampler, weights, dtype)
    model = VideoModel(config, _facts(checkpoint, unet.config, resampler))
    patchers = comfy.model_patcher
    # asked for at call time: ComfyUI replaces it on GPUs with dynamic VRAM
    patcher_class = patchers.ModelPatcher if disable_dynamic else patchers.CoreModelPatcher
    offload_device = comfy.model_management.unet_offload_device()
    patcher = patcher_class(model, comfy.model_management.get_torch_device(), offload_device)
    if not comfy.model_management.is_device_cpu(offload_device):
        model.to(offload_device)
    model.load_model_weights(weights, "", assign=patcher.is_dynamic())
    patcher.cached_patcher_init = (
        partial(load_video_model, dtype=dtype),
        (checkpoint.file.path,),
    )
    return patcher


def facts_of(model):
    """The ModelFacts of a MODEL. Raises KeyVIDError when it is not one of ours."""
    facts = getattr(getattr(model, "model", None), "keyvid", None)
    if not isinstance(facts, ModelFacts):
        raise KeyVIDError(
            "The model is not a KeyVID or DynamiCrafter model, which this node is made for; load one with Load KeyVID "
            "Model or Load KeyVID Checkpoint."
        )
    return facts


def check_prediction(model):
    """Raises SamplingError when another node has made a MODEL predict something else than v."""
    if not isinstance(model.get_model_object("model_sampling"), comfy.model_sampling.V_PREDICTION):
        raise SamplingError(
            "A node between the loader and here tells ComfyUI that the model does not predict v, which KeyVID and "
            "DynamiCrafter do. Remove it, or set ModelSamplingDiscrete to v_prediction with zsnr."
        )


def with_temporal_window(model, window, stride):
    """A MODEL whose attention over time sees windows of `window` frames, one each `stride` frames.

    Raises KeyVIDError when the model is not one of ours; the sampler says when windows do not fit the clip.
    """
    facts_of(model)
    patched = model.clone()
    patched.model_options["transformer_options"][TEMPORAL_WINDOW] = (window, stride)
    return patched


def _model_config(unet, resampler, weights, dtype):
    manager = comfy.model_management
    config = VideoModelConfig({"config": unet, "resampler": resampler})
    supported = config.supported_inference_dtypes
    chosen = dtype or manager.unet_dtype(
        model_params=comfy.utils.calculate_parameters(weights),
        supported_dtypes=supported,
        weight_dtype=comfy.utils.weight_dtype(weights),
    )
    device = manager.get_torch_device()
    config.set_inference_dtype(
        chosen, manager.unet_manual_cast(chosen, device, supported), device=device
    )
    return config


def _facts(checkpoint, unet, resampler):
    metadata, kind = checkpoint.metadata, checkpoint.kind
    usual = DYNAMICRAFTER_FRAMES if kind == DYNAMICRAFTER else N_FRAMES
    return ModelFacts(
        kind=kind,
        n_frames=resampler.n_frames if resampler is not None else metadata.n_frames or usual,
        fps=metadata.fps,
        keyframe_counts=metadata.keyframe_counts,
        size_multiple=PIXELS_PER_LATENT * unet.size_divisor,
        latent_channels=unet.out_channels,
        context_width=unet.context_width,
        vision_width=None if resampler is None else resampler.in_width,
        audio_width=unet.audio_width,
    )
