"""Fewer forwards: guidance in a part of the run alone, ComfyUI's EasyCache, and why LazyCache is refused."""

import collections

import pytest
import torch
from keyvid_pack.errors import SamplingError
from keyvid_pack.training.release.export import WEIGHTS

from ..helpers.small_video import Forwards, guided, keyvid, run, sigmas_of, unit_noise
from .long_clips.clips import conditioned_in_betweens, noise_for

N_STEPS, N_FRAMES, SIZE = 20, 12, (12, 16)
ONE_PASS = {"image_scale": 1.0, "text_scale": 1.0, "audio_scale": 1.0, "rescale": 0.0}
FOUR_PASSES = {"image_scale": 2.0, "text_scale": 7.5, "audio_scale": 9.0}


def with_cache(model, threshold, node="EasyCacheNode"):
    import comfy_extras.nodes_easycache as nodes

    return getattr(nodes, node).execute(model, threshold, 0.15, 0.95, False)[0]


@pytest.fixture(scope="module")
def in_betweens(interpolator):
    return conditioned_in_betweens(interpolator)


@pytest.fixture
def rows(monkeypatch):
    """[the pass numbers of every forward that was computed, not taken from a cache], and of which windows."""
    from keyvid_pack.host.sampling.video_model import SampledUNet

    computed, forward = [], SampledUNet._forward

    def counted(self, x, timesteps, context, transformer_options, **conditions):
        computed.append(transformer_options["uuids"])
        return forward(self, x, timesteps, context, transformer_options, **conditions)

    monkeypatch.setattr(SampledUNet, "_forward", counted)
    return computed


@pytest.fixture(scope="module")
def trained(comfyui):
    """MODEL of the generator that comes with the pack: what a cache may skip depends on what a model has learned."""
    from keyvid_pack.host.loaders.video_model import load_video_model

    return load_video_model(str(WEIGHTS / "keyvid_small_generator.safetensors"))


@pytest.fixture(scope="module")
def pair(trained):
    """(positive, negative) for it, out of random tokens."""
    from keyvid_pack.host.sampling import condition_keys as keys
    from keyvid_pack.host.sampling.model_facts import facts_of

    facts, generator = facts_of(trained), torch.Generator().manual_seed(0)

    def draw(*shape):
        return torch.randn(1, *shape, generator=generator)

    shared = {
        keys.CONCAT: draw(4, 1, *SIZE).expand(-1, -1, N_FRAMES, -1, -1),
        keys.FPS: torch.tensor([6]),
        keys.FRAME_INDEX: torch.arange(0, 48, 4)[None],
    }
    both = []
    for _ in range(2):
        tokens = {
            keys.IMAGE: draw(9, facts.vision_width),
            keys.AUDIO: draw(N_FRAMES, 4, facts.audio_width),
        }
        both.append([[draw(77, facts.context_width), {**shared, **tokens}]])
    return tuple(both)


def made(model, pair, n_steps=N_STEPS, *, eta=0.0, **options):
    noise = torch.randn(1, 4, N_FRAMES, *SIZE, generator=torch.Generator().manual_seed(1))
    sigmas = sigmas_of(model, n_steps)
    return run(guided(model, pair, **options), noise=noise, sampler=keyvid(eta=eta), sigmas=sigmas)


def change(found, expected):
    return float((found - expected).norm() / expected.norm())


def test_easycache_skips_forwards_and_changes_little(trained, pair, rows):
    full = made(trained, pair, **ONE_PASS)
    assert len(rows) == N_STEPS
    rows.clear()
    cached = made(with_cache(trained, 0.1), pair, **ONE_PASS)
    assert N_STEPS / 2 <= len(rows) < N_STEPS
    # half of the steps stand for what an artist sees as little: it is less than that
    assert 0 < change(cached, full) < change(made(trained, pair, N_STEPS // 2, **ONE_PASS), full)


def test_lazycache_would_change_more_than_half_of_the_steps_and_is_refused(
    trained, pair, rows, monkeypatch
):
    lazy = with_cache(trained, 0.1, "LazyCacheNode")
    with pytest.raises(SamplingError, match="LazyCache is on the model.*Remove it"):
        made(lazy, pair, **ONE_PASS)
    full = made(trained, pair, **ONE_PASS)
    half = made(trained, pair, N_STEPS // 2, **ONE_PASS)
    rows.clear()
    monkeypatch.setattr("keyvid_pack.host.sampling.guider._check_cache", lambda _: None)
    assert change(made(lazy, pair, **ONE_PASS), full) > 2 * change(half, full)
    assert len(rows) < N_STEPS


def test_with_a_threshold_of_zero_nothing_is_skipped(generator, rows):
    expected = run(guided(generator, **FOUR_PASSES))
    n_rows = sum(map(len, rows))
    rows.clear()
    assert torch.equal(run(guided(with_cache(generator, 0.0), **FOUR_PASSES)), expected)
    assert sum(map(len, rows)) == n_rows


@pytest.mark.parametrize("free", [10**12, 0], ids=["batched", "one by one"])
@pytest.mark.parametrize("span", [(0.0, 1.0), (0.0, 0.5)])
def test_every_pass_of_a_step_is_skipped_or_none(generator, rows, monkeypatch, free, span):
    monkeypatch.setattr(type(generator), "get_free_memory", lambda *_: free)
    guider = guided(with_cache(generator, 3.0), guided=span, **FOUR_PASSES)
    found = run(guider, sampler=keyvid(eta=0.0), sigmas=sigmas_of(generator, N_STEPS))
    assert found.isfinite().all()
    counts = sorted(collections.Counter(uuid for uuids in rows for uuid in uuids).values())
    n_guided = round(N_STEPS * span[1])
    # the last is the full pass, which alone runs in steps without guidance
    assert len(counts) == 4 and counts[0] == counts[1] == counts[2] < n_guided
    assert counts[0] <= counts[3] <= counts[0] + N_STEPS - n_guided


def test_every_window_of_a_long_clip_has_a_cache_of_its_own(interpolator, in_betweens, rows):  # noqa: F811
    *pair, latent = in_betweens
    for threshold in (0.0, 3.0):
        rows.clear()
        guider = guided(with_cache(interpolator, threshold), pair, **ONE_PASS)
        sigmas = sigmas_of(interpolator, 8)
        found = run(guider, noise=noise_for(latent), sampler=keyvid(eta=0.0), sigmas=sigmas)
        assert found.isfinite().all()
        counts = collections.Counter(uuid for uuids in rows for uuid in uuids).values()
        assert len(counts) == len(guider.windows) > 2
        assert all(n == 8 if threshold == 0 else n < 8 for n in counts)


def test_a_wrapper_around_the_forward_sees_what_comfyui_gives_one(generator):
    import comfy.patcher_extension

    seen = []

    def wrapper(executor, *args, **kwargs):
        seen.append((args[0].shape, args[-1]["cond_or_uncond"], sorted(kwargs)))
        return 2 * executor(*args, **kwargs)

    model = generator.clone()
    kind = comfy.patcher_extension.WrappersMP.DIFFUSION_MODEL
    model.add_wrapper_with_key(kind, "test", wrapper)
    doubled, plain = (run(guided(its, **ONE_PASS)) for its in (model, generator))
    assert len(seen) == 3
    for shape, numbers, names in seen:
        assert shape[:2] == (1, 8) and numbers == [0]
        assert {"audio", "fps", "frame_index", "image"} <= set(names)
    assert not torch.allclose(doubled, plain)


# guidance in a part of the run: how many passes run in which step, and with what values

SCALES = {"image_scale": 2.0, "text_scale": 7.5, "audio_scale": 9.0}
FOUR, FULL = {0, 1, 2, 3}, {0}


def passes_by_step(forwards):
    """[the passes of each step], by its noise level."""
    steps = {}
    for _, _, keywords in forwards.calls:
        options = keywords["transformer_options"]
        level = float(options["sigmas"][0])
        steps.setdefault(level, set()).update(options["cond_or_uncond"])
    return [steps[level] for level in sorted(steps, reverse=True)]


@pytest.mark.parametrize(
    ("span", "n_guided"),
    [
        ((0.0, 1.0), range(10)),
        ((0.0, 0.5), range(5)),
        ((0.2, 0.8), range(2, 8)),
        ((0.9, 1.0), [9]),
        ((0.4, 0.4), []),
    ],
)
def test_outside_of_the_share_one_pass_runs(generator, span, n_guided):
    with Forwards(generator) as forwards:
        run(guided(generator, guided=span, **SCALES), sigmas=sigmas_of(generator, 10))
    expected = [FOUR if step in n_guided else FULL for step in range(10)]
    assert passes_by_step(forwards) == expected
    assert forwards.n_rows == sum(map(len, expected))


def test_by_default_every_step_is_guided_bit_for_bit(generator):
    released = run(guided(generator, **SCALES))
    assert torch.equal(run(guided(generator, guided=(0.0, 1.0), **SCALES)), released)
    assert not torch.equal(run(guided(generator, guided=(0.0, 0.5), **SCALES)), released)


def test_no_guidance_is_scales_of_one(generator):
    ones = {"image_scale": 1.0, "text_scale": 1.0, "audio_scale": 1.0, "rescale": 0.0}
    expected = run(guided(generator, **ones))
    assert torch.equal(run(guided(generator, guided=(0.0, 0.0), **SCALES)), expected)


def test_the_parts_of_a_split_run_are_guided_as_the_whole(generator):
    """Split Sigmas: shares are of the whole run, also in its second part."""
    sigmas, sampler = sigmas_of(generator, 10), keyvid(eta=0.0)
    guider = guided(generator, guided=(0.0, 0.5), **SCALES)
    with Forwards(generator) as forwards:
        run(guider, sampler=sampler, sigmas=sigmas[3:], noise=unit_noise())
    assert passes_by_step(forwards) == [FOUR] * 2 + [FULL] * 5


def test_core_samplers_follow_the_share_too(generator):
    import comfy.samplers

    guider = guided(generator, guided=(0.0, 0.5), **SCALES)
    sigmas = sigmas_of(generator, 10, ends_at_t0=False)
    with Forwards(generator) as forwards:
        run(guider, sampler=comfy.samplers.sampler_object("euler"), sigmas=sigmas)
    assert passes_by_step(forwards) == [FOUR] * 5 + [FULL] * 5


def test_shares_that_are_none_are_refused(generator):
    with pytest.raises(SamplingError, match=r"from 0\.6 until 0\.5"):
        guided(generator, guided=(0.6, 0.5))
