"""Noise levels of the KeyVID and DynamiCrafter models, and the steps a sampler takes through them.

Of a latent x_t = sqrt(ab_t) x_0 + sqrt(1 - ab_t) eps the networks predict v = sqrt(ab_t) eps - sqrt(1 - ab_t) x_0
(Salimans and Ho, arXiv 2202.00512); ab_t ("alpha bar") is the share of the signal in the variance.
Zero terminal SNR: "Common Diffusion Noise Schedules and Sample Steps are Flawed" (arXiv 2305.08891).
DDIM: arXiv 2010.02502. Dynamic rescale: DynamiCrafter (arXiv 2310.12190), configuration of the 512 models.
"""

import dataclasses
import math
import operator
from collections.abc import Iterable

import numpy as np

from ...errors import SamplingError, TimestepsError

N_TIMESTEPS = 1000  # noise levels the models were trained on
# betas before the rescaling: squares of evenly spaced roots
LINEAR_START, LINEAR_END = 0.00085, 0.012
BASE_SCALE = 0.7  # factor of clean latents at high noise (KeyVID, DynamiCrafter 512)
TURNING_STEP = 400  # entries over which that factor falls from 1
SPACINGS = ("uniform_trailing", "uniform")
STEPS = 90  # KeyVID's own settings: steps, eta and spacing of scripts/generation.sh
ETA = 1.0
NOISE_STRENGTH = 1.0  # of all noise, the first and that of the steps


@dataclasses.dataclass(frozen=True)
class Schedule:
    """All that DDIM needs to know of one run, in the order of sampling: entry 0 is the noisiest step.

    With t the timestep of a step and s that of the next one:

    The published code keeps the same lists ascending and walks them from the end. Every entry is a
    Python number; those marked float32 hold values that float32 can hold exactly.
    """

    eta: float
    timesteps: tuple[int, ...]  # t, 0..999, falling
    alphas: tuple[float, ...]  # ab_t, float32
    alphas_prev: tuple[float, ...]  # ab_s
    sqrt_alphas: tuple[float, ...]  # sqrt(ab_t), float32, rooted in float64
    sqrt_one_minus_alphas: tuple[float, ...]  # sqrt(1 - ab_t), float32, rooted in float64
    noise_std: tuple[float, ...]  # sigma_t, standard deviation of the noise that the step adds
    directions: tuple[float, ...]  # sqrt(1 - ab_s - sigma_t^2), the factor of eps, float32
    scales: tuple[float, ...]  # dynamic rescale at t, float32
    scales_prev: tuple[float, ...]  # dynamic rescale at s; at the end that of t

    def __len__(self) -> int:
        return len(self.timesteps)


def zero_snr_betas(
    *, start: float = LINEAR_START, end: float = LINEAR_END, n_timesteps: int = N_TIMESTEPS
) -> np.ndarray:
    """Betas whose last noise level holds no signal at all (arXiv 2305.08891, algorithm 1).

        beta_t = (evenly spaced from sqrt(start) to sqrt(end))^2
        r_t = sqrt(prod_{i <= t} (1 - beta_i))
        r_t <- (r_t - r_T) r_0 / (r_0 - r_T)        zero at the end, unchanged at the beginning
        beta_t = 1 - r_t^2 / r_{t-1}^2

    start, end: first and last beta before the rescaling. Returns: float64 (n_timesteps,), the last one is 1.
    """
    betas = np.linspace(math.sqrt(start), math.sqrt(end), n_timesteps) ** 2
    roots = np.sqrt(np.cumprod(1 - betas))
    roots = (roots - roots[-1]) * (roots[0] / (roots[0] - roots[-1]))
    alphas_bar = roots**2
    alphas = np.concatenate([alphas_bar[:1], alphas_bar[1:] / alphas_bar[:-1]])
    return 1 - alphas


def alphas_cumprod(betas: np.ndarray | None = None) -> np.ndarray:
    """ab_t = prod_{i <= t} (1 - beta_i), the share of the signal in the variance: float64 (n_timesteps,), down to 0."""
    return np.cumprod(1 - (zero_snr_betas() if betas is None else betas))


def scale_table(
    base_scale: float = BASE_SCALE,
    *,
    turning_step: int = TURNING_STEP,
    n_timesteps: int = N_TIMESTEPS,
) -> np.ndarray:
    """Dynamic rescale: the factor of a clean latent before it is noised to a timestep.

    It falls from 1 to base_scale over turning_step entries and stays there for n_timesteps more, as
    published: the table is longer than the timesteps that index it. Returns: float32 (1400,) by default.
    """
    falling = np.linspace(1.0, base_scale, turning_step)
    return np.concatenate([falling, np.full(n_timesteps, base_scale)]).astype(np.float32)


def ddim_timesteps(n_steps: int, spacing: str = "uniform_trailing") -> tuple[int, ...]:
    """Which of the 1000 timesteps a run of n_steps takes.

    "uniform_trailing" starts at 999, where the latent is noise alone, and is what KeyVID uses. "uniform"
    takes every (1000 // n_steps)-th level from 1 on, so that 90 steps are 91 and 30 are 31, as published.
    Returns: a tuple of int, ascending. Raises SamplingError for a count or spacing that does not exist, and
    where "uniform" would step past the last level.
    """
    n_steps = _checked_steps(n_steps)
    if spacing == "uniform_trailing":
        down = np.arange(N_TIMESTEPS, 0, -N_TIMESTEPS / n_steps)
        # for some counts (61, 103, ...) a rounding error makes the range one too long, down to level -1
        return tuple(int(level) - 1 for level in np.round(down[:n_steps])[::-1])
    if spacing == "uniform":
        if not _fits_uniform(n_steps):
            raise SamplingError(_uniform_message(n_steps))
        return tuple(range(1, N_TIMESTEPS + 1, N_TIMESTEPS // n_steps))
    raise SamplingError(
        f"There is no spacing of steps called {spacing!r}; choose {' or '.join(map(repr, SPACINGS))}."
    )


def make_schedule(
    n_steps: int = STEPS,
    *,
    spacing: str = "uniform_trailing",
    eta: float = ETA,
    base_scale: float = BASE_SCALE,
) -> Schedule:
    """The Schedule of a run of n_steps (arXiv 2010.02502, equations 12 and 16).

    eta: 0 adds no noise after a step, 1 adds as much as DDPM. base_scale: 0.7 for KeyVID and DynamiCrafter 512,
    0.3 for DynamiCrafter 1024, 1 for no dynamic rescale. Raises SamplingError.
    """
    timesteps = ddim_timesteps(n_steps, spacing)[::-1]
    return schedule_along(timesteps, eta=eta, base_scale=base_scale)


def schedule_along(
    timesteps: Iterable[int],
    *,
    end: int | None = 0,
    eta: float = ETA,
    base_scale: float = BASE_SCALE,
) -> Schedule:
    """The Schedule of a run through any noise levels, for example a part of one.

        sigma_t = eta sqrt((1 - ab_s) / (1 - ab_t)) sqrt(1 - ab_t / ab_s)        arXiv 2010.02502, equation 16

    timesteps: int, 0..999, falling. end: the level after the last step; 0 is where published runs end, None is a
    latent without noise. A run that ends at either keeps the dynamic rescale of its last step, as published; one
    that ends higher up can be resumed from there. Raises TimestepsError, SamplingError.
    """
    eta, base_scale = _checked_eta(eta), _checked_scale(base_scale)
    levels = _checked_levels(timesteps, end)
    table = alphas_cumprod()
    alphas_bar, scale = table.astype(np.float32), scale_table(base_scale)
    following = np.append(levels[1:], end or 0)
    # in float64 from alphas in float32: their rounding shows in the first step of a run with eta 1
    alphas = alphas_bar[levels].astype(np.float64)
    alphas_prev = alphas_bar[following].astype(np.float64)
    if end is None:
        alphas_prev[-1] = 1.0
    noise_std = eta * np.sqrt((1 - alphas_prev) / (1 - alphas) * (1 - alphas / alphas_prev))
    columns = {
        "timesteps": levels,
        "alphas": alphas,
        "alphas_prev": alphas_prev,
        "sqrt_alphas": np.sqrt(table).astype(np.float32)[levels],
        "sqrt_one_minus_alphas": np.sqrt(1 - table).astype(np.float32)[levels],
        "noise_std": noise_std,
        "directions": _directions(alphas_prev, noise_std),
        "scales": scale[levels],
        "scales_prev": scale[np.append(levels[1:], end or levels[-1])],
    }
    return Schedule(eta=eta, **{name: tuple(column.tolist()) for name, column in columns.items()})


def _directions(alphas_prev: np.ndarray, noise_std: np.ndarray) -> np.ndarray:
    """sqrt(1 - ab_s - sigma_t^2), computed in float32 as published: float32 (n_steps,).

    At level 999 with eta 1 the exact value is 0, and what is left is the rounding error: up to 3e-4, and seen
    in the result. Where it is negative the published code continues with NaN; here it counts as 0.
    """
    one, square = np.float32(1), noise_std.astype(np.float32) ** 2
    radicand = (one - alphas_prev.astype(np.float32)) - square
    return np.sqrt(np.maximum(radicand, np.float32(0)))


def _fits_uniform(n_steps: int) -> bool:
    return range(1, N_TIMESTEPS + 1, N_TIMESTEPS // n_steps)[-1] < N_TIMESTEPS


def _uniform_message(n_steps: int) -> str:
    fewer = next(n for n in range(n_steps, 0, -1) if _fits_uniform(n))
    more = next((n for n in range(n_steps, N_TIMESTEPS + 1) if _fits_uniform(n)), None)
    counts = f"{fewer} or {more} steps" if more else f"{fewer} steps"
    return (
        f"{n_steps} steps with the spacing 'uniform' would go past the last of the model's {N_TIMESTEPS} noise "
        f"levels; take {counts}, or the spacing 'uniform_trailing'."
    )


def _checked_steps(n_steps: int) -> int:
    try:
        count = operator.index(n_steps)
    except TypeError:
        raise SamplingError(f"The number of steps is {n_steps!r}; give a whole number.") from None
    if not 1 <= count <= N_TIMESTEPS:
        raise SamplingError(
            f"The number of steps is {count}; the model has {N_TIMESTEPS} noise levels, take 1 to {N_TIMESTEPS}."
        )
    return count


def _checked_levels(timesteps: Iterable[int], end: int | None) -> np.ndarray:
    """The timesteps as an array; raises TimestepsError unless they are noise levels that fall down to `end`."""
    levels = [operator.index(timestep) for timestep in timesteps]
    if not levels or not 0 <= min(levels) <= max(levels) < N_TIMESTEPS:
        raise TimestepsError(
            f"The steps visit the noise levels {levels[:3]} ...; the model knows 0 to {N_TIMESTEPS - 1}, and a run "
            "needs at least one."
        )
    run = levels if not end else [*levels, end]
    for level, following in zip(run, run[1:], strict=False):
        if following >= level:
            raise TimestepsError(
                f"The steps go from noise level {level} to {following}, but every step must lead to a lower one."
            )
    return np.array(levels)


def _checked_eta(eta: float) -> float:
    if not 0 <= eta <= 1:  # not for NaN either
        raise SamplingError(f"eta is {eta}; take 0 (no added noise) to 1 (KeyVID's own setting).")
    return float(eta)


def _checked_scale(base_scale: float) -> float:
    if not 0 < base_scale <= 1:
        raise SamplingError(
            f"The base scale is {base_scale}; take more than 0 and at most 1 ({BASE_SCALE} for KeyVID)."
        )
    return float(base_scale)
