"""Small video models in files, the conditioning they take, and runs of them: what the sampling tests share."""

import safetensors.torch
import torch
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.metadata import metadata_block

from . import small_checkpoint
from .tolerance import float32_tolerance

FRAMES = (0, 5, 20, 40)  # the four keyframes of a plan
KEYFRAMES, N_INTERPOLATED = (0, 2, 5), 6  # of the latents that are interpolated
HEIGHT, WIDTH = 4, 6  # of the latent; multiples of the small UNet's size_divisor
LATENT_SCALE = 0.18215
AMPLIFICATION = 17  # the weights of four passes at most: 1 - 2, 2 - 7.5, 7.5 - 9, 9
ROUNDING = float32_tolerance(n_steps=4, amplification=AMPLIFICATION)


def write_model(path, *, kind=layouts.GENERATOR, seed=0):
    """A small whole file whose weights are large enough for every input to show in the output."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {
        name: _random_weights(name, shape, generator)
        for name, shape in small_checkpoint.whole_shapes(kind).items()
    }
    safetensors.torch.save_file(tensors, path, metadata=metadata_block(small_checkpoint.METADATA))
    return str(path)


def _random_weights(name, shape, generator):
    values = torch.randn(shape, generator=generator)
    if len(shape) > 1:
        return values * values[0].numel() ** -0.5
    return 1 + 0.1 * values if name.endswith("weight") else 0.1 * values


def conditioning(frames=FRAMES, *, seed=0, sound=True, keyframes=None, batch=1):
    """(positive, negative) as a KeyVID conditioning node makes them, out of random tokens.

    frames: which frames of the clip the latent has. keyframes: as on the positive of the interpolation,
    (latents (1, 4, K, h, w), K frames); the concat latent then holds those, else the first image on all frames.
    """
    from keyvid_pack.host.sampling import condition_keys as keys

    config = small_checkpoint.UNET
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape):
        return torch.randn(batch, *shape, generator=generator)

    n_frames = len(frames)
    if keyframes is None:
        concat = draw(4, 1, HEIGHT, WIDTH).expand(-1, -1, n_frames, -1, -1)
    else:
        concat = torch.zeros(batch, 4, n_frames, HEIGHT, WIDTH)
        concat[:, :, list(keyframes[1])] = keyframes[0]
    shared = {
        keys.CONCAT: concat / LATENT_SCALE,
        keys.FPS: torch.full((batch,), 6),
        keys.FRAME_INDEX: torch.tensor([list(frames)] * batch),
    }
    both = []
    for _ in range(2):
        entry = {**shared, keys.IMAGE: draw(9, small_checkpoint.RESAMPLER.in_width)}
        if sound:
            entry[keys.AUDIO] = draw(n_frames, 5, config.audio_width)
        both.append([[draw(7, config.context_width), entry]])
    positive, negative = both
    if keyframes is not None:
        latents, at = keyframes
        positive[0][1] |= {
            keys.KEYFRAME_LATENTS: latents / LATENT_SCALE,
            keys.KEYFRAME_FRAMES: tuple(at),
        }
    return positive, negative


def entry_with(conditioning, **changes):
    """The CONDITIONING with keys changed; None takes a key away."""
    return [
        [text, {k: v for k, v in {**entry, **changes}.items() if v is not None}]
        for text, entry in conditioning
    ]


def assert_agree(found, expected, *, tolerance=ROUNDING):
    """Two runs that differ by rounding only: up to `tolerance` of the largest value of the latent."""
    error = (found - expected).abs().max() / expected.abs().max()
    assert error <= tolerance, f"{error:.2e} of the largest value"


def unit_noise(*, n_frames=4, batch=1, seed=3):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 4, n_frames, HEIGHT, WIDTH, generator=generator)


def guided(model, pair=None, **scales):
    """A Multimodal CFG guider; pair: (positive, negative)."""
    from keyvid_pack.host.sampling.guider import multimodal_guider

    return multimodal_guider(model, *(pair or conditioning()), **scales)


def core_guider(model, conditioning):
    """ComfyUI's guider for a single conditioning."""
    import comfy.samplers

    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(conditioning, conditioning)
    guider.set_cfg(1.0)  # the negative is then left out
    return guider


def run(guider, *, noise=None, sampler=None, sigmas=None, latent=None, seed=7, **more):
    """The latent that Sampler Custom Advanced gives, scaled as the network sees it."""
    from keyvid_pack.host.sampling.sampler import keyvid_sampler, keyvid_sigmas

    noise = unit_noise() if noise is None else noise
    latent = torch.zeros_like(noise) if latent is None else latent
    sampler = sampler or keyvid_sampler()
    sigmas = keyvid_sigmas(guider.model_patcher, n_steps=3) if sigmas is None else sigmas
    with torch.inference_mode():
        found = guider.sample(noise, latent, sampler, sigmas, disable_pbar=True, seed=seed, **more)
    return found * LATENT_SCALE


class Forwards:
    """Counts the forwards of the network while it is entered: `calls` holds (batch, keywords, options) of each."""

    def __init__(self, model):
        self.network, self.calls = model.model.diffusion_model, []

    def __enter__(self):
        self.handle = self.network.register_forward_pre_hook(self._record, with_kwargs=True)
        return self

    def __exit__(self, *_):
        self.handle.remove()

    def _record(self, _network, arguments, keywords):
        self.calls.append((len(arguments[0]), arguments[0], keywords))

    @property
    def n_rows(self):
        return sum(n for n, _, _ in self.calls)

    @property
    def passes(self):
        """cond_or_uncond of every call."""
        return [call[2]["transformer_options"]["cond_or_uncond"] for call in self.calls]


def keyvid(**options):
    """KeyVID Sampler's SAMPLER."""
    from keyvid_pack.host.sampling.sampler import keyvid_sampler

    return keyvid_sampler(**options)


def sigmas_of(model, n_steps, **options):
    """KeyVID Schedule's SIGMAS."""
    from keyvid_pack.host.sampling.sampler import keyvid_sigmas

    return keyvid_sigmas(model, n_steps=n_steps, **options)


def interpolation(seed=0):
    """(positive, negative) of an interpolation of N_INTERPOLATED frames with clean latents at KEYFRAMES."""
    latents = torch.randn(1, 4, 3, 4, 6, generator=torch.Generator().manual_seed(21))
    return conditioning(range(N_INTERPOLATED), seed=seed, keyframes=(latents, KEYFRAMES))


def latents_in_between(model, *, pair, batch=1, noise=None, unit_scale=1.0, **options):
    """(x as the network sees it after each step but the last, noise of each step) of a run of four steps."""
    import comfy.samplers
    from keyvid_pack.host.sampling.noise_scale import vp_of
    from keyvid_pack.host.sampling.sampler import sample_ddim

    sigmas = sigmas_of(model, 4)
    noise = unit_noise(n_frames=N_INTERPOLATED, batch=batch) if noise is None else noise
    units = [unit_noise(n_frames=N_INTERPOLATED, batch=batch, seed=50 + step) for step in range(4)]
    units = [unit_scale * unit for unit in units]
    seen = []
    options = {"eta": 1.0, "base_scale": 0.7, "inpainted_steps": 1, **options}
    sampler = comfy.samplers.KSAMPLER(sample_ddim, {**options, "noise_sampler": units.__getitem__})
    run(
        guided(model, pair),
        noise=noise,
        sampler=sampler,
        sigmas=sigmas,
        callback=lambda i, x0, x, n: seen.append(vp_of(x, sigmas[i])),
    )
    return seen[1:], units


def _lora_hook(generator, strength):
    """A LoRA that rides on CONDITIONING (core's Create Hook LoRA and Set CLIP Hooks)."""
    import comfy.hooks

    attention = generator.model.diffusion_model.input_blocks[1][1].transformer_blocks[0].attn2
    rows, columns = attention.to_k_ap.weight.shape
    name = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_k_ap"
    draw = torch.Generator().manual_seed(0)
    lora = {
        f"{name}.lora_up.weight": torch.randn(rows, 2, generator=draw),
        f"{name}.lora_down.weight": torch.randn(2, columns, generator=draw),
    }
    return comfy.hooks.create_hook_lora(lora=lora, strength_model=strength, strength_clip=0.0)


def hooked(pair, generator, strength=1.0):
    """(positive, negative) with a small LoRA on both."""
    import comfy.hooks

    hooks = _lora_hook(generator, strength)
    return tuple(comfy.hooks.set_hooks_for_conditioning(one, hooks) for one in pair)
