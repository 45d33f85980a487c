"""A clip that is longer than the model's, painted in windows whose predictions are averaged at every step.

All windows share one latent and one noise, so that there is one trajectory for all of them (MultiDiffusion,
arXiv 2302.08113, over time). Memory and the model's forwards are those of one window.
"""

from collections.abc import Callable, Sequence
from typing import Any

import comfy.model_management
import comfy.model_patcher
import comfy.sampler_helpers
import comfy.samplers
import torch

from ..payloads import Conditioning, Sampler, Sigmas
from .windows import WindowCondition

CACHE = "easycache"  # in transformer_options: the state of ComfyUI's EasyCache or LazyCache
_EXTRA_SEED = 0x6B657976  # of the noise of frames that only one window has


class WindowedGuider(comfy.samplers.CFGGuider):
    """Guides by the guiders of the windows of a long clip. Made by `guider.multimodal_guider`."""

    def set_windows(
        self,
        parts: Sequence[comfy.samplers.CFGGuider],
        windows: Sequence[WindowCondition],
        positive: Conditioning,
    ) -> None:
        """parts: a guider for every window, with its conditions. positive: of the whole clip."""
        self.parts, self.windows = tuple(parts), tuple(windows)
        self.original_conds = {
            name: entries for part in self.parts for name, entries in part.original_conds.items()
        }
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

        ComfyUI is shown the shape of one window, from which it decides how much memory to keep free.
        """
        n_frames, largest = noise.shape[2], max(len(window.index) for window in self.windows)
        self.whole = self._with_extra_frames(noise, latent_image, denoise_mask, seed)

        def shown(step: int, denoised: torch.Tensor, x: torch.Tensor, n_steps: int) -> None:
            if callback is not None:
                callback(step, denoised[:, :, :n_frames], x[:, :, :n_frames], n_steps)

        try:
            painted = super().sample(
                noise[:, :, :largest],
                latent_image[:, :, :largest],
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
        """As ComfyUI's, for the whole clip that `sample` was given, with the conditions of every window."""
        noise, latent_image, mask = self.whole
        noise, latent_image = noise.to(device), latent_image.to(device)
        denoise_mask = None if mask is None else mask.to(device)
        for part, window in zip(self.parts, self.windows, strict=True):
            conds = {
                name: [entry.copy() for entry in entries]
                for name, entries in part.original_conds.items()
            }
            own = noise[:, :, list(window.index)]
            part.inner_model = self.inner_model
            part.conds = comfy.samplers.process_conds(self.inner_model, own, conds, device)
        self.caches = {}
        self.conds = {}  # the whole has none of its own: predict_noise asks the parts
        try:
            return super().inner_sample(
                noise, latent_image, device, sampler, sigmas, denoise_mask, *rest, **options
            )
        finally:
            for part in self.parts:
                del part.inner_model, part.conds
            del self.caches

    def predict_noise(
        self,
        x: torch.Tensor,
        timestep: torch.Tensor,
        model_options: dict[str, Any] | None = None,
        seed: int | None = None,
    ) -> torch.Tensor:
        """The average of the windows' guided clean latents (1, 4, T, h, w), each frame weighted as in `windows`."""
        total, weight = torch.zeros_like(x), x.new_zeros(x.shape[2])
        for number, (part, window) in enumerate(zip(self.parts, self.windows, strict=True)):
            comfy.model_management.throw_exception_if_processing_interrupted()
            index, weights = list(window.index), x.new_tensor(window.weights)
            own = self._with_own_cache(model_options or {}, number)
            denoised = part.predict_noise(x[:, :, index], timestep, own, seed)
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

    def _with_extra_frames(
        self,
        noise: torch.Tensor,
        latent: torch.Tensor,
        mask: torch.Tensor | None,
        seed: int | None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Noise, latent and mask with the frames behind them that single windows have beside the clip's.

        An extra frame begins as the frame of the clip that is nearest to it in its window, with noise of its own; a
        run without noise of its own (the second part of a split one) adds none to it either.
        """
        nearest = _nearest_frames(self.windows, noise.shape[2])
        if mask is not None:
            whole: torch.Tensor = comfy.sampler_helpers.prepare_mask(
                mask, latent.shape, latent.device
            )
            mask = torch.cat([whole, torch.ones_like(whole[:, :, nearest])], dim=2)
        generator = torch.Generator("cpu").manual_seed((seed or 0) ^ _EXTRA_SEED)
        extra = torch.randn(noise[:, :, nearest].shape, generator=generator).to(noise)
        extra = extra * bool(torch.count_nonzero(noise))
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
