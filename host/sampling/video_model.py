"""KeyVID's video UNet as a ComfyUI MODEL, which ComfyUI samples, offloads, patches and previews like its own."""

from typing import Any

import comfy.conds
import comfy.latent_formats
import comfy.model_base
import comfy.patcher_extension
import comfy.supported_models_base
import comfy.utils
import torch

from ...models.diffusion.schedule import LINEAR_END, LINEAR_START, N_TIMESTEPS
from ...models.encoders.resampler import Resampler, ResamplerConfig, select_frames
from ...models.unet.config import UNetConfig
from ...models.unet.unet import VideoUNet
from ..attention import attention
from ..payloads import Model
from .condition_keys import AUDIO, CONCAT, FPS, FRAME_INDEX, IMAGE, KEYFRAME_TEXT
from .model_facts import TEMPORAL_WINDOW, ModelFacts, facts_of
from .stored_tokens import STORE
from .validation import check_conditioning, check_latent, no_image_projection

_TEXT = "c_crossattn"  # ComfyUI's name for the text that a network is given


class VideoLatents(comfy.latent_formats.SD15):
    """Latents of Stable Diffusion's VAE (scale 0.18215), one per frame.

    ComfyUI decodes previews with a TAESD of that name as single images, and fails on the frames of a video. Without
    a name its preview method taesd shows what latent2rgb does, the colours of the latent.
    """

    latent_dimensions = 3

    def __init__(self) -> None:
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
    # ComfyUI estimates factor * 0.01 MiB per latent pixel and byte of a number, 1.29 GB at factor 1 for 12 frames of
    # 40 x 64 in float32. On a CPU such a forward takes 0.86 GB beyond the weights (docs/performance.md), a factor of
    # 0.67; a fifth more is for what GPU kernels need. Long clips take less, 0.37 at 48 frames, since blocks work
    # in chunks. Not measured on a GPU yet.
    memory_usage_factor = 0.8

    def process_unet_state_dict_for_saving(
        self, state_dict: dict[str, torch.Tensor]
    ) -> dict[str, torch.Tensor]:
        """What ComfyUI's ModelSave writes: the image projection under its published name, beside the UNet."""
        saved = super().process_unet_state_dict_for_saving(state_dict)
        inside = "model.diffusion_model.image_proj_model."
        return {name.replace(inside, "image_proj_model."): value for name, value in saved.items()}


class SampledUNet(VideoUNet):
    """The UNet with the call that ComfyUI makes of a diffusion model, and the image projection that belongs to it."""

    def __init__(
        self,
        config: UNetConfig,
        resampler: ResamplerConfig | None = None,
        *,
        operations: Any,
        dtype: torch.dtype | None = None,
        device: torch.device | None = None,
    ) -> None:
        factory = {"operations": operations, "dtype": dtype, "device": device}
        super().__init__(config, attention=attention, **factory)
        self.image_proj_model = None
        if resampler is not None:
            self.image_proj_model = Resampler(resampler, attention=attention, **factory)

    def to(
        self, *args: Any, memory_format: torch.memory_format | None = None, **kwargs: Any
    ) -> Any:
        # --force-channels-last asks for a format of images, which convolutions over time do not have
        return super().to(*args, **kwargs) if args or kwargs else self

    def forward(  # pyright: ignore[reportIncompatibleMethodOverride] - as ComfyUI calls it
        self,
        x: torch.Tensor,
        timesteps: torch.Tensor,
        context: torch.Tensor,
        transformer_options: dict[str, Any] | None = None,
        control: Any = None,
        **conditions: Any,
    ) -> torch.Tensor:
        """v (B, 4, T, h, w) for x (B, 8, T, h, w), timesteps (B,) and text tokens (B, L, width), or (B, T, L, width).

        conditions: the other keywords of VideoUNet.
        """
        options = transformer_options or {}
        # as ComfyUI's own networks do: nodes such as EasyCache put themselves around the forward
        around = comfy.patcher_extension.get_all_wrappers(
            comfy.patcher_extension.WrappersMP.DIFFUSION_MODEL, options
        )
        return comfy.patcher_extension.WrapperExecutor.new_class_executor(
            self._forward, self, around
        ).execute(x, timesteps, context, options, **conditions)

    def _forward(
        self,
        x: torch.Tensor,
        timesteps: torch.Tensor,
        context: torch.Tensor,
        transformer_options: dict[str, Any],
        **conditions: Any,
    ) -> torch.Tensor:
        return super().forward(
            x,
            timesteps,
            text=context,
            temporal_window=transformer_options.get(TEMPORAL_WINDOW),
            transformer_options=transformer_options,
            token_store=transformer_options.get(STORE),
            **conditions,
        )


class VideoModel(comfy.model_base.BaseModel):
    """ComfyUI's model around the UNet: turns CONDITIONING into the network's arguments."""

    def __init__(self, config: VideoModelConfig, facts: ModelFacts) -> None:
        v_prediction = comfy.model_base.ModelType.V_PREDICTION
        super().__init__(config, v_prediction, unet_model=SampledUNet)
        self.keyvid = facts

    def concat_cond(self, *, noise: torch.Tensor, **conditioning: Any) -> torch.Tensor:
        """The scaled concat latent (B, 4, T, h, w) for noise (B, 4, T, h, w)."""
        latent = conditioning[CONCAT]
        latent = self.process_latent_in(latent)
        return comfy.utils.resize_to_batch_size(latent, noise.shape[0]).to(noise)

    def extra_conds(self, **conditioning: Any) -> dict[str, Any]:
        """The network's arguments for every forward of one pass, computed once per sampling.

        Raises SamplingError for a conditioning or latent of another model.
        """
        noise, device = conditioning["noise"], conditioning["device"]
        check_conditioning(conditioning, self.keyvid)
        check_latent(noise, conditioning[CONCAT])
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
        text = conditioning.get(KEYFRAME_TEXT)
        if text is not None:  # in place of the text for all frames
            conds[_TEXT] = comfy.conds.CONDRegular(text.at(conditioning[FRAME_INDEX]).to(device))
        return conds

    def _image_tokens(
        self, conditioning: dict[str, Any], *, n_frames: int, device: torch.device
    ) -> torch.Tensor:
        """(B, T, Q, C): the image tokens, resampled for all frames of the clip, of the T frames of the latent."""
        tokens = conditioning[IMAGE]
        if tokens.ndim == 3:  # (B, N, width) straight from the vision tower
            tokens = self.resampled_image(tokens.to(device))
        if tokens.shape[1] != n_frames:
            tokens = select_frames(tokens, conditioning[FRAME_INDEX].to(tokens.device))
        return tokens

    def resampled_image(self, tokens: torch.Tensor) -> torch.Tensor:
        """(B, F, Q, C): image tokens of the vision tower (B, N, width), resampled for all frames of the clip."""
        resampler = self.diffusion_model.image_proj_model
        if resampler is None:
            raise no_image_projection()
        return resampler(tokens.to(self.get_dtype_inference()))

    def resize_cond_for_context_window(
        self,
        cond_key: str,
        cond_value: Any,
        window: Any,
        x_in: torch.Tensor,
        device: torch.device,
        retain_index_list: Any = (),
    ) -> Any:
        """Per-frame tokens follow the frames of a context window (ComfyUI's Context Windows node)."""
        has_frames = cond_key == _TEXT and cond_value.cond.ndim == 4
        if not has_frames and cond_key not in ("image", "audio", "frame_index"):
            return None
        return cond_value._copy_with(window.get_tensor(cond_value.cond, device, dim=1))


def with_temporal_window(model: Model, window: int, stride: int) -> Model:
    """A MODEL with temporal attention in windows of `window` frames, one every `stride` frames.

    Raises KeyVIDError for a model that is not KeyVID's or DynamiCrafter's; the sampler raises when windows do not fit
    the clip.
    """
    facts_of(model)
    patched = model.clone()
    patched.model_options["transformer_options"][TEMPORAL_WINDOW] = (window, stride)
    return patched
