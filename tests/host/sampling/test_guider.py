"""The guider inside ComfyUI: which passes run, what each is conditioned on, how they are batched, what is refused."""

import pytest
import torch
from keyvid_pack.errors import KeyVIDError

from ...helpers.small_video import (
    Forwards,
    assert_agree,
    conditioning,
    core_guider,
    entry_with,
    guided,
    run,
    unit_noise,
)

ORDER = ("full", "none", "image", "image_text")  # how ComfyUI's cond_or_uncond counts the passes
N_STEPS = 3  # of small_video.run


@pytest.mark.parametrize(
    ("scales", "passes"),
    [
        ({"audio_scale": 9.0}, {"none", "image", "image_text", "full"}),
        ({"text_scale": 7.5, "audio_scale": 7.5}, {"none", "image", "full"}),
        ({"image_scale": 1.0, "audio_scale": 9.0}, {"image", "image_text", "full"}),
        ({"image_scale": 7.5, "text_scale": 7.5, "audio_scale": 7.5}, {"none", "full"}),
        ({"image_scale": 1.0, "text_scale": 1.0, "audio_scale": 1.0}, {"full"}),
        ({"audio_scale": 0.0, "rescale": 0.0}, {"none", "image", "image_text"}),
        ({"audio_scale": 0.0, "rescale": 0.7}, {"none", "image", "image_text", "full"}),
    ],
)
def test_only_passes_with_a_weight_run(generator, scales, passes):
    with Forwards(generator) as forwards:
        run(guided(generator, **scales))
    ran = [ORDER[number] for call in forwards.passes for number in call]
    assert set(ran) == passes
    assert forwards.n_rows == len(ran) == N_STEPS * len(passes), "not once per step each"


def test_three_passes_equal_four(generator):
    with Forwards(generator) as three:
        found = run(guided(generator, text_scale=7.5, audio_scale=7.5))
    with Forwards(generator) as four:
        expected = run(guided(generator, text_scale=7.5, audio_scale=7.5 + 1e-7))
    assert (three.n_rows, four.n_rows) == (3 * N_STEPS, 4 * N_STEPS)
    assert_agree(found, expected)


def test_a_model_without_sound_takes_three_passes_whatever_the_audio_scale(dynamicrafter):
    pair = conditioning(range(16), sound=False)
    noise = unit_noise(n_frames=16)
    found = []
    for audio_scale in (3.0, 9.0):
        with Forwards(dynamicrafter) as forwards:
            found.append(run(guided(dynamicrafter, pair, audio_scale=audio_scale), noise=noise))
        assert forwards.n_rows == 3 * N_STEPS
    assert torch.equal(*found)


def test_each_pass_has_its_own_tokens_of_both_conditionings(generator):
    """Against the formula written out, every prediction from ComfyUI's own guider with one conditioning."""
    from keyvid_pack.host.sampling import condition_keys as keys

    positive, negative = pair = conditioning()
    image, silence = positive[0][1][keys.IMAGE], negative[0][1][keys.AUDIO]
    entries = {
        "none": negative,
        "image": entry_with(negative, **{keys.IMAGE: image}),
        "image_text": entry_with(positive, **{keys.AUDIO: silence}),
        "full": positive,
    }
    x, level = 30 * unit_noise(), torch.tensor([30.0])
    predicted = {
        name: denoised(core_guider(generator, one), x, level) for name, one in entries.items()
    }
    expected = (
        predicted["none"]
        + 2 * (predicted["image"] - predicted["none"])
        + 5 * (predicted["image_text"] - predicted["image"])
        + 9 * (predicted["full"] - predicted["image_text"])
    )
    scales = {"image_scale": 2.0, "text_scale": 5.0, "audio_scale": 9.0, "rescale": 0.0}
    found = denoised(guided(generator, pair, **scales), x, level)
    # v is recovered from the denoised prediction, which costs a few digits
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    for name in ("image", "image_text", "full"):
        assert (predicted[name] - predicted["none"]).abs().max() > 1e-3, f"{name} hardly matters"


def denoised(guider, x, sigma):
    """The guider's prediction for x at one noise level."""
    import comfy.samplers

    found = []

    def sample(model, noise, sigmas, extra_args=None, callback=None, disable=None):
        found.append(model(x, sigma, **extra_args))
        return noise

    run(guider, sampler=comfy.samplers.KSAMPLER(sample), sigmas=torch.tensor([30.0, 0.0]))
    return found[0]


@pytest.mark.parametrize("batch", [1, 2])
def test_batched_and_sequential_passes_agree(generator, monkeypatch, batch):
    noise, pair = unit_noise(batch=batch), conditioning(batch=batch)
    results, calls = {}, {}
    for name, free in (("batched", 10**12), ("sequential", 0)):
        monkeypatch.setattr(type(generator), "get_free_memory", lambda *_, free=free: free)
        with Forwards(generator) as forwards:
            results[name] = run(guided(generator, pair, audio_scale=9.0), noise=noise)
        calls[name] = forwards
    # ComfyUI batches from the last to the first, and runs single passes in the same order
    assert calls["batched"].passes == [[3, 2, 1, 0]] * N_STEPS
    assert sorted(calls["sequential"].passes) == sorted([[3], [2], [1], [0]] * N_STEPS)
    assert {n for n, _, _ in calls["batched"].calls} == {4 * batch}
    assert {n for n, _, _ in calls["sequential"].calls} == {batch}
    assert_agree(results["batched"], results["sequential"])


def test_one_conditioning_serves_a_batch_of_latents(generator):
    noise = unit_noise(batch=2)
    both = run(guided(generator), noise=noise, seed=7)
    assert both.shape == noise.shape
    assert not torch.allclose(both[0], both[1])
    own = run(guided(generator, conditioning(batch=1)), noise=noise[:1], sampler=without_noise())
    both = run(guided(generator), noise=noise, sampler=without_noise())
    assert_agree(both[:1], own)


def without_noise():
    from keyvid_pack.host.sampling.sampler import keyvid_sampler

    return keyvid_sampler(eta=0.0)


def test_a_longer_negative_text_is_batched_with_a_short_one(generator, monkeypatch):
    """Prompts of more than 77 tokens come in multiples; core repeats the shorter one, which attention forgives."""
    positive, negative = conditioning()
    longer = [[torch.cat([negative[0][0]] * 2, dim=1), negative[0][1]]]
    monkeypatch.setattr(type(generator), "get_free_memory", lambda *_: 10**12)
    with Forwards(generator) as forwards:
        found = run(guided(generator, (positive, longer), audio_scale=9.0))
    assert forwards.passes == [[3, 2, 1, 0]] * N_STEPS
    expected = run(guided(generator, (positive, negative), audio_scale=9.0))
    assert_agree(found, expected)


def test_timestep_ranges_take_over_from_each_other(generator):
    """ConditioningSetTimestepRange: one prompt for the first half of the run, another for the second."""
    first, negative = conditioning()
    second = conditioning(seed=1)[0]
    halves = [
        *entry_with(first, start_percent=0.0, end_percent=0.5),
        *entry_with(second, start_percent=0.5, end_percent=1.0),
    ]
    with Forwards(generator) as forwards:
        mixed = run(guided(generator, (halves, negative), audio_scale=9.0))
    assert forwards.n_rows == 4 * N_STEPS, "both halves ran at once"
    assert not torch.allclose(mixed, run(guided(generator, (first, negative), audio_scale=9.0)))
    assert torch.isfinite(mixed).all()


def test_combined_conditionings_run_each(generator):
    first, negative = conditioning()
    second = conditioning(seed=1)[0]
    with Forwards(generator) as forwards:
        run(guided(generator, (first + second, negative), audio_scale=9.0))
    # two prompts in the passes with text, one without
    assert forwards.n_rows == (2 + 2 + 1 + 1) * N_STEPS


def test_rescale_brings_the_spread_back(generator):
    scales = {"image_scale": 9.0, "text_scale": 12.0, "audio_scale": 15.0}
    plain, held = (run(guided(generator, **scales, rescale=r)).std() for r in (0.0, 1.0))
    assert held < plain


def test_a_function_after_guidance_is_asked_and_obeyed(generator):
    model = generator.clone()
    seen = []

    def halve(arguments):
        seen.append(arguments)
        return arguments["denoised"] / 2

    model.set_model_sampler_post_cfg_function(halve)
    plain = run(guided(generator, text_scale=6.0))
    assert not torch.allclose(run(guided(model, text_scale=6.0)), plain)
    assert len(seen) == N_STEPS
    assert seen[0]["cond_scale"] == 6.0, "of the scales, the one nearest to ComfyUI's"
    keys_of_core = (
        "denoised cond uncond model uncond_denoised cond_denoised sigma model_options input"
    )
    assert set(keys_of_core.split()) <= set(seen[0])


def _wrong(case, generator):
    """The guider or the run of it that a wire in the wrong place asks for."""
    import comfy.model_sampling
    from keyvid_pack.host.sampling import condition_keys as keys

    positive, negative = pair = conditioning()
    raw = [[torch.zeros(1, 7, 24), {}]]
    if case == "a foreign model":
        return guided(object(), (positive, negative))
    if case == "raw text as positive":
        return guided(generator, (raw, negative))
    if case == "raw text as negative":
        return guided(generator, (positive, raw))
    if case == "no conditioning":
        return guided(generator, ([], negative))
    if case == "no silence":
        return guided(generator, (positive, entry_with(negative, **{keys.AUDIO: None})))
    if case == "no sound":
        return guided(generator, (entry_with(positive, **{keys.AUDIO: None}), negative))
    if case == "no sound for a core guider":
        return run(core_guider(generator, entry_with(positive, **{keys.AUDIO: None})))
    if case == "another plan":
        moved = positive[0][1][keys.FRAME_INDEX] + 1
        return guided(generator, (entry_with(positive, **{keys.FRAME_INDEX: moved}), negative))
    if case == "another model":
        return run(guided(generator, [entry_with(c, **{keys.KIND: "interpolator"}) for c in pair]))
    if case == "another prediction":
        patched = generator.clone()
        patched.add_object_patch("model_sampling", comfy.model_sampling.ModelSamplingDiscrete())
        return guided(patched, pair)
    if case == "a scale that is no number":
        return guided(generator, (positive, negative), text_scale=float("nan"))
    if case == "no text":
        return run(guided(generator, ([[None, positive[0][1]]], negative)))
    if case == "a ControlNet":
        return run(guided(generator, (entry_with(positive, control=_ControlNet()), negative)))
    raise AssertionError(case)


class _ControlNet:
    """As much of ComfyUI's ControlNet as is asked for before the conditions are made."""

    extra_hooks = previous_controlnet = None

    def get_extra_hooks(self):
        return []

    def get_models(self):
        return []

    def inference_memory_requirements(self, dtype):
        return 0

    def cleanup(self):
        pass


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("a foreign model", "not a KeyVID or DynamiCrafter model"),
        ("raw text as positive", "The positive conditioning has no image"),
        ("raw text as negative", "The negative conditioning has no image"),
        ("no conditioning", "The positive conditioning has no image"),
        ("no silence", "the negative conditioning has none"),
        ("no sound", "the positive conditioning has none"),
        ("no sound for a core guider", "moves to sound, and the conditioning has none"),
        ("another plan", "made for different images or plans"),
        ("another model", "made for another model .*interpolator"),
        ("another prediction", "does not predict v"),
        ("a scale that is no number", "The text guidance is nan"),
        ("no text", "does not have both a text and an image"),
        ("a ControlNet", "has a ControlNet"),
    ],
)
def test_wrong_wires_are_refused_with_a_message(generator, case, message):
    with pytest.raises(KeyVIDError, match=message):
        _wrong(case, generator)
