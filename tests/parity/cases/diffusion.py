"""Cases of the sampler: schedules, one step, a whole loop, and both stages from conditions to latent."""

import functools
import re

import numpy as np
import torch
from keyvid_pack.models.diffusion.conditioning import (
    denoise,
    guidance_conditions,
    interpolation_concat,
    keyframe_concat,
)
from keyvid_pack.models.diffusion.ddim import (
    ddim_step,
    inpaint_keyframes,
    interpolate_keyframe_noise,
    sample,
)
from keyvid_pack.models.diffusion.guidance import combine, pass_weights
from keyvid_pack.models.diffusion.schedule import (
    alphas_cumprod,
    make_schedule,
    scale_table,
    zero_snr_betas,
)
from keyvid_pack.models.encoders.audio_tokens import (
    interpolation_audio_tokens,
    keyframe_audio_tokens,
)
from keyvid_pack.models.encoders.resampler import select_frames
from keyvid_pack.models.published import QUERIES_PER_FRAME

from ..compare import load_tensors, max_abs_err
from .unet import load_unet

PASS_FILES = {"none": "uncond", "image": "img", "image_text": "img_text", "full": "full"}
COLUMNS = {
    "timesteps": "timesteps",
    "alphas": "alphas",
    "alphas_prev": "alphas_prev",
    "scale": "scales",
    "scale_prev": "scales_prev",
}


def schedules(case, folder):
    """[(label, largest absolute error)] of the tables and of every recorded run, ascending as recorded."""
    sizes = case["config"]
    n = sizes["timesteps"]
    betas = zero_snr_betas(start=sizes["linear_start"], end=sizes["linear_end"], n_timesteps=n)
    table = alphas_cumprod(betas)
    found = {
        "betas": betas.astype(np.float32),
        "betas_float64": betas,
        "alphas_cumprod": table.astype(np.float32),
        "alphas_cumprod_float64": table,
        "alphas_cumprod_prev": np.append(1.0, table[:-1]).astype(np.float32),
        "sqrt_alphas_cumprod": np.sqrt(table).astype(np.float32),
        "sqrt_one_minus_alphas_cumprod": np.sqrt(1 - table).astype(np.float32),
        "scale_arr": scale_table(
            sizes["base_scale"], turning_step=sizes["turning_step"], n_timesteps=n
        ),
    }
    errors = []
    for name, expected in load_tensors(case, folder).items():
        values = found[name] if name in found else _column(name, sizes["base_scale"])
        errors.append((name, max_abs_err(values, expected)))
    return errors


def _column(name, base_scale):
    """One list of a run by its recorded name, for example uniform.90.sigmas_eta1."""
    spacing, n_steps, what = re.fullmatch(r"(\w+)\.(\d+)\.(\w+)", name).groups()
    what, _, eta = what.partition("_eta")
    schedule = make_schedule(
        int(n_steps), spacing=spacing, eta=float(eta or 1), base_scale=base_scale
    )
    return np.array(getattr(schedule, "noise_std" if what == "sigmas" else COLUMNS[what])[::-1])


def ddim_step_4cond(case, folder):
    """[(label, largest absolute error)] of single steps on recorded predictions of the network."""
    tensors = load_tensors(case, folder)
    errors = []
    for variant in case["variants"]:
        x_prev, x0 = _step(case["config"], variant, tensors)
        for what, found in (("x_prev", x_prev), ("pred_x0", x0)):
            name = f"{variant['k']}.{what}"
            errors.append((name, max_abs_err(found, tensors[f"out.{name}"])))
    return errors


def _step(scales, variant, tensors):
    schedule = make_schedule(variant["steps"], spacing=variant["spacing"], eta=variant["eta"])
    index = len(schedule) - 1 - variant["index"]  # recorded ascending
    assert schedule.timesteps[index] == variant["timestep"], "the step is at another noise level"
    first = slice(variant["batch"])
    outputs = {name: tensors[f"in.model_out.{file}"][first] for name, file in PASS_FILES.items()}
    v = combine(outputs, _weights(scales), rescale=variant["guidance_rescale"])
    x, noise = tensors["in.x"][first], tensors["in.noise"][first]
    x_prev, x0 = ddim_step(x, v, schedule=schedule, index=index, noise=noise)
    if variant["inpaint_keyframes"]:
        alpha_prev = schedule.alphas_prev[index]
        latents, frames = tensors["in.x_keyframe"], _frames(tensors)
        x_prev = inpaint_keyframes(x_prev, latents, frames, alpha_prev=alpha_prev, noise=noise)
    return x_prev, x0


def sampling_loop_keyframes(case, folder):
    """[(label, largest absolute error)] of every step of whole loops with recorded conditions."""
    tensors = load_tensors(case, folder)
    n_frames = tensors["in.x_T"].shape[2]
    conditions = guidance_conditions(
        text=_pair(tensors, "text", "text_empty"),
        image=[  # (B, T, Q, C)
            tokens.unflatten(1, (n_frames, -1)) for tokens in _pair(tensors, "image", "image_zero")
        ],
        audio=_pair(tensors, "audio", "audio_zero"),
        concat=tensors["in.c_concat"],
        fps=tensors["in.fs"],
        frame_index=tensors["in.frame_idx"],
    )
    errors = []
    for name in [name for name in tensors if re.fullmatch(r"out\.eta[\d.]+\.final", name)]:
        run = name.split(".", 1)[1].removesuffix(".final")
        noise_names = [f"in.{run}.step{i}.noise" for i in range(case["config"]["steps"])]
        options = {**case["config"], "eta": float(run.removeprefix("eta"))}
        errors += _sample(
            options,
            _network(case, folder),
            conditions,
            tensors,
            x_first=tensors["in.x_T"],
            noise=[tensors[n] for n in noise_names] if noise_names[0] in tensors else None,
            outputs=f"out.{run}.",
            final=name,
        )
    return errors


def pipeline_keyframes(case, folder):
    """[(label, largest absolute error)] of the keyframe stage, from the encoders' tokens on."""
    tensors = load_tensors(case, folder)
    frame_index = tensors["in.keyframe_idx"].long()  # (B, T)
    image = [  # (B, T, Q, C)
        select_frames(tokens, frame_index) for tokens in _image_tokens(tensors)
    ]
    audio = [keyframe_audio_tokens(tokens, frame_index) for tokens in _audio_tokens(tensors)]
    conditions = guidance_conditions(
        text=_pair(tensors, "text", "text_empty"),
        image=image,
        audio=audio,
        concat=keyframe_concat(tensors["in.first_frame_latent"], case["config"]["T"]),
        fps=tensors["in.fs"],
        frame_index=frame_index,
    )
    errors = _sample(
        case["config"],
        _network(case, folder),
        conditions,
        tensors,
        x_first=tensors["in.x_T"],
        noise=_step_noise(case, tensors),
    )
    return _conditions(conditions, tensors) + errors


def pipeline_interpolation(case, folder):
    """[(label, largest absolute error)] of the interpolation stage, from the encoders' tokens on."""
    tensors = load_tensors(case, folder)
    config = case["config"]
    frames, latents = _frames(tensors), tensors["in.keyframe_latents"]
    concat = interpolation_concat(latents, frames, config["T"])
    x_first = interpolate_keyframe_noise(tensors["in.raw_noise"], frames)
    conditions = guidance_conditions(
        text=_pair(tensors, "text", "text_empty"),
        image=_image_tokens(tensors),
        audio=[interpolation_audio_tokens(tokens) for tokens in _audio_tokens(tensors)],
        concat=concat,
        fps=tensors["in.fs"],
        frame_index=torch.arange(config["T"])[None],  # (1, T)
    )
    errors = _sample(
        config,
        _network(case, folder),
        conditions,
        tensors,
        x_first=x_first,
        noise=_step_noise(case, tensors),
        keyframes=(latents, frames),
        inpainted_steps=config["inpainting_end_step"] + 1,
    )
    name = "out.x_T_after_noise_interpolation"
    return [(name, max_abs_err(x_first, tensors[name])), *_conditions(conditions, tensors), *errors]


def _sample(
    options,
    unet,
    conditions,
    tensors,
    *,
    x_first,
    noise,
    outputs="out.",
    final="out.final_latent",
    **keyframes,
):
    """Errors after each recorded step of one run, and of its end."""
    errors = []

    def compare(index, x, x0):
        for what, found in (("x_prev", x), ("pred_x0", x0)):
            name = f"{outputs}step{index}.{what}"
            if name in tensors:
                errors.append((name, max_abs_err(found, tensors[name])))

    schedule = make_schedule(options["steps"], spacing=options["spacing"], eta=options["eta"])
    latent = sample(
        functools.partial(denoise, unet),
        x_first,
        conditions,
        schedule=schedule,
        weights=_weights(options),
        rescale=options["guidance_rescale"],
        noise=noise,
        on_step=compare,
        **keyframes,
    )
    assert errors, "no step was recorded"
    return [*errors, (final, max_abs_err(latent, tensors[final]))]


def _conditions(conditions, tensors):
    """Errors of the assembled conditions that were recorded."""
    recorded = [name for name in tensors if name.startswith("dbg.")]
    return [(name, max_abs_err(_condition(name, conditions), tensors[name])) for name in recorded]


def _condition(name, conditions):
    """One assembled condition by its recorded name: of the audio only the first channels were kept."""
    audio = re.fullmatch(r"dbg\.c_audio_(full|zero)_(\d+)ch", name)
    if audio:
        which, n_channels = audio.groups()
        audio = conditions["full" if which == "full" else "none"]["audio"]
        return audio[..., : int(n_channels)]
    return {
        "dbg.c_concat": conditions["full"]["concat"],
        "dbg.c_crossattn_full": _context(conditions["full"]),
        "dbg.c_crossattn_uncond": _context(conditions["none"]),
    }[name]


def _context(condition):
    """Text and image tokens in one row as the published UNet takes them: (B, 77 + T*Q, C)."""
    return torch.cat([condition["text"], condition["image"].flatten(1, 2)], dim=1)


def _network(case, folder):
    return load_unet({**case, "config": case["config"]["unet"]}, folder)


def _weights(scales):
    return pass_weights(scales["cfg_img"], scales["cfg_text"], scales["cfg_audio"])


def _pair(tensors, given, absent):
    return tensors[f"in.{given}"], tensors[f"in.{absent}"]


def _image_tokens(tensors):
    """In place of the Resampler's output: a pair of (B, F, Q, C)."""
    pair = _pair(tensors, "image_tokens", "image_tokens_zero")
    return [tokens.unflatten(1, (-1, QUERIES_PER_FRAME)) for tokens in pair]


def _audio_tokens(tensors):
    """In place of the audio tower's output, recorded as two factors: a pair of (B, N, D)."""
    pair = [factor @ tensors["in.audio_B"] for factor in _pair(tensors, "audio_A", "audio_A_zero")]
    return [tokens.reshape(-1, *tokens.shape[-2:]) for tokens in pair]  # recorded without a batch


def _frames(tensors):
    (frames,) = tensors["in.keyframe_idx"].long().tolist()  # one clip at a time, as published
    return frames


def _step_noise(case, tensors):
    return [tensors[f"in.noise.step{i}"] for i in range(case["config"]["steps"])]
