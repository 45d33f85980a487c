"""A clip that is longer than the model's, painted in windows whose predictions are averaged at every step.

All windows share one latent and one noise, so that there is one trajectory for all of them (MultiDiffusion,
arXiv 2302.08113, over time). The conditions of a window are made when it is its turn, in every step: kept, those of a
song would take as much memory as the model.
"""

from collections.abc import Callable, Sequence
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.sampler_helpers
import comfy.samplers
import torch

from ...errors import SamplingError
from ..payloads import Conditioning, Sampler, Sigmas
from .condition_keys import FRAME_INDEX, IMAGE
from .windows import WindowCondition

CACHE = "easycache"  # in transformer_options: the state of ComfyUI's EasyCache or LazyCache
_EXTRA_SEED = 0x6B657976  # of the noise of frames that only one window has


class WindowedGuider(comfy.samplers.CFGGuider):
    """Guides by the guiders of the windows of a long clip. Made by `guider.multimodal_guider`."""

    def set_windows(
        self,
        part: Callable[[int], comfy.samplers.CFGGuider],
        windows: Sequence[WindowCondition],
        positive: Conditioning,
    ) -> None:
        """part(number): a new guider for a window, with its conditions. positive: of the whole clip."""
        self.part, self.windows = part, tuple(windows)
        first = part(0)
        # where a condition brings a LoRA, ComfyUI has chosen another patcher of the same model
        self.model_patcher, self.model_options = first.model_patcher, first.model_options
        self.original_conds = first.original_conds
        # the sampler asks the positive for keyframes
        self.clip_conditions = {"positive": comfy.sampler_helpers.convert_cond(positive)}

    def sample(
        self,
        noise: torch.Tensor,
        latent_image: torch.Tensor,
        sampler: Sampler,
        sigmas: Sigmas,
        denoise_mask: torch.Tensor | None = None,
        callback: Callable[..., None] | None = None,
        disable_pbar: bool = False,
        seed: int | None = None,
    ) -> torch.Tensor:
        """As ComfyUI's, of noise and latent_image (1, 4, T, h, w) of the whole clip.

        ComfyUI is shown the shape of one window, from which it decides how much memory to keep free. Raises
        SamplingError for the second part of a split run, whose windows have lost what only they have.
        """
        n_frames, largest = noise.shape[2], max(len(window.index) for window in self.windows)
        self.whole = self._with_extra_frames(noise, latent_image, denoise_mask, seed)

        def shown(step: int, denoised: torch.Tensor, x: torch.Tensor, n_steps: int) -> None:
            if callback is not None:
                callback(step, denoised[:, :, :n_frames], x[:, :, :n_frames], n_steps)

        try:
            painted = super().sample(
                self.whole[0][:, :, :largest],
                self.whole[1][:, :, :largest],
                sampler,
                sigmas,
                callback=shown,
                disable_pbar=disable_pbar,
                seed=seed,
            )
        finally:
            del self.whole
        return painted[:, :, :n_frames]

    def inner_sample(
        self,
        noise: torch.Tensor,
        latent_image: torch.Tensor,
        device: torch.device,
        sampler: Sampler,
        sigmas: Sigmas,
        denoise_mask: torch.Tensor | None,
        *rest: Any,
        **options: Any,
    ) -> torch.Tensor:
        """As ComfyUI's, for the whole clip that `sample` was given."""
        noise, latent_image, mask = self.whole
        noise, latent_image = (x.to(device, torch.float32) for x in (noise, latent_image))
        denoise_mask = None if mask is None else mask.to(device, torch.float32)
        self.conds = {}  # the whole has none of its own: predict_noise asks the parts
        self.resampled: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.caches: dict[int, Any] = {}
        self.uuids: dict[tuple[int, str, int], object] = {}
        try:
            return super().inner_sample(
                noise, latent_image, device, sampler, sigmas, denoise_mask, *rest, **options
            )
        finally:
            del self.resampled, self.caches, self.uuids

    def predict_noise(
        self,
        x: torch.Tensor,
        timestep: torch.Tensor,
        model_options: dict[str, Any] | None = None,
        seed: int | None = None,
    ) -> torch.Tensor:
        """The average of the windows' guided clean latents (1, 4, T, h, w), each frame weighted as in `windows`."""
        total, weight = torch.zeros_like(x), x.new_zeros(x.shape[2])
        for number, window in enumerate(self.windows):
            comfy.model_management.throw_exception_if_processing_interrupted()
            index, weights = list(window.index), x.new_tensor(window.weights)
            own = x[:, :, index]
            part = self._ready_part(number, own)
            options = self._with_own_cache(model_options or {}, number)
            denoised = part.predict_noise(own, timestep, options, seed)
            total[:, :, index] += denoised * weights[:, None, None]
            weight[index] += weights
        return total / weight[:, None, None]

    def _with_own_cache(self, model_options: dict[str, Any], number: int) -> dict[str, Any]:
        """model_options, with an EasyCache for each window: it compares a forward with the one before."""
        cache = model_options.get("transformer_options", {}).get(CACHE)
        if cache is None or number == 0:
            return model_options
        if number not in self.caches:
            self.caches[number] = cache.clone().prepare_timesteps(self.inner_model.model_sampling)
        options = comfy.model_patcher.create_model_options_clone(model_options)
        options["transformer_options"][CACHE] = self.caches[number]
        return options

    def _ready_part(self, number: int, x: torch.Tensor) -> comfy.samplers.CFGGuider:
        """The guider of a window, its conditions processed for this run as ComfyUI does for a whole clip."""
        part = self.part(number)
        conds = {
            name: [
                {**entry, IMAGE: self._resampled(entry), "uuid": self._uuid(number, name, i, entry)}
                for i, entry in enumerate(entries)
            ]
            for name, entries in part.original_conds.items()
        }
        comfy.samplers.preprocess_conds_hooks(conds)
        comfy.samplers.filter_registered_hooks_on_conds(conds, self.model_options)
        part.inner_model = self.inner_model
        part.conds = comfy.samplers.process_conds(self.inner_model, x, conds, x.device)
        return part

    def _uuid(self, number: int, name: str, i: int, entry: dict[str, Any]) -> object:
        """By which ComfyUI's caches know a condition: the same in every step, though it is made anew."""
        return self.uuids.setdefault((number, name, i), entry["uuid"])

    def _resampled(self, entry: dict[str, Any]) -> torch.Tensor:
        """The image tokens of a condition for its window's frames; all windows and steps share what is resampled."""
        tokens = entry[IMAGE]
        if tokens.ndim != 3:
            return tokens
        found = [resampled for known, resampled in self.resampled if known is tokens]
        if not found:
            on_device = tokens.to(self.model_patcher.load_device)
            found = [self.inner_model.resampled_image(on_device)]
            self.resampled.append((tokens, found[0]))
        index = entry[FRAME_INDEX][0]
        return found[0] if len(index) == found[0].shape[1] else found[0][:, index]

    def _with_extra_frames(
        self,
        noise: torch.Tensor,
        latent: torch.Tensor,
        mask: torch.Tensor | None,
        seed: int | None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Noise, latent and mask with the frames behind them that single windows have beside the clip's.

        An extra frame begins as the frame of the clip that is nearest to it in its window, with noise of its own.
        """
        nearest = _nearest_frames(self.windows, noise.shape[2])
        if nearest and not torch.count_nonzero(noise):
            raise SamplingError(
                "The keyframes of a clip this long are painted in windows, which have frames of their own that a run "
                "in two parts (Split Sigmas, Disable Noise) cannot hand on; sample all steps in one run."
            )
        if mask is not None:
            whole: torch.Tensor = comfy.sampler_helpers.prepare_mask(
                mask, latent.shape, latent.device
            )
            mask = torch.cat([whole, torch.ones_like(whole[:, :, nearest])], dim=2)
        generator = torch.Generator("cpu").manual_seed((seed or 0) ^ _EXTRA_SEED)
        extra = torch.randn(noise[:, :, nearest].shape, generator=generator).to(noise)
        noise = torch.cat([noise, extra], dim=2)
        return noise, torch.cat([latent, latent[:, :, nearest]], dim=2), mask


def _nearest_frames(windows: Sequence[WindowCondition], n_frames: int) -> list[int]:
    """For every extra frame, in order, the number of the clip's frame that is nearest to it among its window's."""
    nearest = []
    for window in windows:
        own = [at for at, number in enumerate(window.index) if number < n_frames]
        for at, number in enumerate(window.index):
            if number >= n_frames:
                nearest.append(window.index[min(own, key=lambda other: abs(other - at))])
    return nearest
