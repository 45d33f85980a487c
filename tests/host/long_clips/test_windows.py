"""A clip longer than the model's: conditions by window, their predictions averaged, extra frames never seen outside."""

import pytest
import torch
from keyvid_pack.errors import SamplingError

from ...helpers import small_encoders, small_video
from ...helpers.conditioned import conditioned_interpolation, conditioned_keyframes
from ...helpers.small_video import assert_agree, core_guider, guided, run
from .clips import FRAMES, N_FRAMES, conditioned_in_betweens, long_inputs, noise_for


@pytest.fixture(scope="module")
def keyframes(generator):
    return conditioned_keyframes(generator, **long_inputs())


@pytest.fixture(scope="module")
def in_betweens(interpolator):
    return conditioned_in_betweens(interpolator)


def test_both_stages_paint_as_many_frames_as_the_plan_has(
    generator, interpolator, keyframes, in_betweens
):
    for model, (positive, negative, latent), n in (
        (generator, keyframes, len(FRAMES)),
        (interpolator, in_betweens, N_FRAMES),
    ):
        found = run(guided(model, (positive, negative)), noise=noise_for(latent))
        assert found.shape == latent["samples"].shape and found.shape[2] == n
        assert found.isfinite().all()


def test_every_window_is_guided_in_the_same_steps(interpolator, in_betweens):
    *pair, latent = in_betweens
    guider = guided(interpolator, pair, audio_scale=9.0, guided=(0.0, 0.5))
    sigmas = small_video.sigmas_of(interpolator, 2)
    with small_video.Forwards(interpolator) as forwards:
        run(guider, noise=noise_for(latent), sigmas=sigmas)
    assert len(guider.windows) > 2
    assert forwards.n_rows == len(guider.windows) * (4 + 1)


def test_every_window_hears_two_seconds_of_its_own(generator):
    inputs = long_inputs()
    positive, negative, _ = conditioned_keyframes(generator, **inputs)
    windows = positive[0][1]["keyvid_windows"]
    assert len(windows) > 2
    assert set(inputs["audio_encoder"].lengths) == {2 * 16_000}
    tokens = [window.changes["keyvid_audio"] for window in windows]
    assert not torch.equal(tokens[0][:, 0], tokens[1][:, 0])
    silent = {
        window.changes["keyvid_audio"].sum().item() for window in negative[0][1]["keyvid_windows"]
    }
    heard = {tokens_of_one.sum().item() for tokens_of_one in tokens}
    assert not silent & heard


def test_a_prediction_is_the_weighted_average_of_the_windows(interpolator, generator, keyframes):
    guider = guided(generator, keyframes[:2])
    extra = 1 + max(max(window.index) for window in guider.windows)
    x = 30 * small_video.unit_noise(n_frames=extra)
    level = torch.tensor([30.0])
    expected, weight = torch.zeros_like(x), torch.zeros(extra)
    for number, window in enumerate(guider.windows):
        part, index = guider.part(number), list(window.index)
        weights = torch.tensor(window.weights)
        alone = predicted(part, x[:, :, index], level)
        expected[:, :, index] += alone * weights[:, None, None]
        weight[index] += weights
    shared = [sum(i in window.index for window in guider.windows) for i in range(len(FRAMES))]
    assert max(shared) > 1, "no keyframe is in two windows"
    assert_agree(predicted(guider, x, level), expected / weight[:, None, None])


def test_every_window_has_the_words_of_its_own_frames(generator, interpolator):
    """Of the frames of the clip, not of the window, and words elsewhere change nothing of it."""
    from keyvid_pack.host.rendering.identity import name_of
    from keyvid_pack.host.sampling.tokens.keyframe_text import KeyframeText
    from keyvid_pack.host.sampling.windows import window_of

    tokens = torch.randn(len(FRAMES), 77, small_encoders.text()[0][0].shape[-1])
    others = tokens.clone()
    others[6] += 1  # the keyframe at frame 66
    images = {"keyframes": small_encoders.images(len(FRAMES))}
    for node, model, more in (
        (conditioned_keyframes, generator, {}),
        (conditioned_interpolation, interpolator, images),
    ):
        names, seen = [], []
        for of_keyframes in (tokens, others):
            text = KeyframeText(of_keyframes, FRAMES, N_FRAMES, True)
            plain = small_encoders.text()
            with_words = [[of_keyframes[:1], {**plain[0][1], "keyvid_keyframe_text": text}]]
            positive, _, _ = node(model, **long_inputs(**more), positive=with_words)
            windows = positive[0][1]["keyvid_windows"]
            assert len(windows) > 2
            for number, window in enumerate(windows):
                ((_, entry),) = alone = window_of(positive, number)
                frames = entry["keyvid_frame_index"]
                found = entry["keyvid_keyframe_text"].at(frames)
                torch.testing.assert_close(found, text.at(frames + window.start))
                names.append(name_of(alone))
                reached = window.start + frames[0, [0, -1]]
                seen.append(bool(reached[0] < 75 and reached[1] > 52))  # the keyframes beside it
        half = len(names) // 2
        changed = [one != other for one, other in zip(names[:half], names[half:], strict=True)]
        assert changed == seen[:half] and 0 < sum(changed) < half


def predicted(guider, x, level):
    """A guider's prediction inside a run, for any x: asked by a sampler of one step."""
    import comfy.samplers

    found = []

    def ask(model, _x, _sigmas, **_):
        found.append(guider.predict_noise(x, level, {}))
        return _x

    n = x.shape[2]
    # of a whole clip, the frames that single windows have beside it are added by the guider
    noise = torch.ones(
        1, 4, min(n, len(FRAMES)) if hasattr(guider, "windows") else n, *x.shape[-2:]
    )
    with torch.inference_mode():
        guider.sample(
            noise, noise, comfy.samplers.KSAMPLER(ask), torch.tensor([30.0, 0.0]), disable_pbar=True
        )
    return found[0]


def test_one_window_over_the_whole_clip_is_the_clip(interpolator):
    """The same conditions once as a clip and once as its only window."""
    from keyvid_pack.host.sampling.condition_keys import WINDOWS
    from keyvid_pack.host.sampling.windows import WindowCondition

    pair = conditioned_interpolation(interpolator, keyframes=small_encoders.images(4))[:2]
    n = 48
    own = ("keyvid_audio", "keyvid_frame_index")
    windowed = []
    for conditioning in pair:
        ((text, entry),) = conditioning
        changes = {key: entry[key] for key in own}
        frames = (0, 5, 20, 40)
        window = WindowCondition(
            tuple(range(n)), (1.0,) * n, 0, changes, kept=(0, n), given=(frames, (0, 1, 2, 3))
        )
        latents = pair[0][0][1]["keyvid_keyframe_latents"]
        windowed.append([[text, {**entry, WINDOWS: (window,), "concat_latent_image": latents}]])
    noise = small_video.unit_noise(n_frames=n)
    assert_agree(
        run(guided(interpolator, windowed), noise=noise),
        run(guided(interpolator, pair), noise=noise),
    )


def test_keyframes_of_the_whole_clip_are_set_in_the_first_step(interpolator, in_betweens):
    positive, negative, latent = in_betweens
    sampler = small_video.keyvid(inpainted_steps=3, eta=0.0)
    found = run(
        guided(interpolator, (positive, negative)),
        noise=noise_for(latent),
        sampler=sampler,
        sigmas=small_video.sigmas_of(interpolator, 3, ends_at_t0=False),
    )
    given = positive[0][1]["keyvid_keyframe_latents"] * small_video.LATENT_SCALE
    torch.testing.assert_close(found[:, :, list(FRAMES)], given, atol=1e-4, rtol=1e-4)


def test_comfyui_reserves_memory_for_one_window(generator, keyframes, monkeypatch):
    import comfy.sampler_helpers

    seen = []
    prepare = comfy.sampler_helpers.prepare_sampling

    def watched(model, noise_shape, *rest, **more):
        seen.append(tuple(noise_shape))
        return prepare(model, noise_shape, *rest, **more)

    monkeypatch.setattr(comfy.sampler_helpers, "prepare_sampling", watched)
    guider = guided(generator, keyframes[:2])
    run(guider, noise=noise_for(keyframes[2]))
    largest = max(len(window.index) for window in guider.windows)
    assert [shape[2] for shape in seen] == [largest] and largest < len(FRAMES)


def test_what_a_mask_keeps_stays_and_other_frames_see_it(generator, keyframes):
    """Pinned keyframes: a latent with a noise mask, as core's Set Latent Noise Mask makes one."""
    positive, negative, latent = keyframes
    kept = (
        torch.randn(latent["samples"].shape, generator=torch.Generator().manual_seed(8)) / 0.18215
    )
    mask = torch.ones(1, 1, len(FRAMES), 1, 1)
    mask[:, :, 4:7] = 0
    painted = []
    for seed in (8, 9):
        other = torch.randn(kept.shape, generator=torch.Generator().manual_seed(seed)) / 0.18215
        latents = torch.where(mask.bool(), torch.zeros(()), other if seed == 9 else kept)
        found = run(
            guided(generator, (positive, negative)),
            noise=noise_for(latent),
            latent=latents,
            denoise_mask=mask.expand(-1, -1, -1, 4, 6),
        )
        expected = latents[:, :, 4:7] * small_video.LATENT_SCALE
        torch.testing.assert_close(found[:, :, 4:7], expected, atol=1e-5, rtol=1e-5)
        painted.append(found)
    assert (painted[0] - painted[1])[:, :, 7].abs().max() > 1e-3, "its neighbour does not see it"


def test_a_split_run_is_refused_for_keyframes_and_goes_on_in_between(
    generator, interpolator, keyframes, in_betweens
):
    """Windows of keyframes have frames of their own, which the first part does not hand on."""

    def parts(model, conditioned):
        positive, negative, latent = conditioned
        sampler = small_video.keyvid(eta=0.0, inpainted_steps=1)
        sigmas, noise = small_video.sigmas_of(model, 4), noise_for(latent)
        runs = {"sampler": sampler, "noise": noise}
        whole = run(guided(model, (positive, negative)), sigmas=sigmas, **runs)
        half = run(guided(model, (positive, negative)), sigmas=sigmas[:3], **runs)
        rest = {**runs, "noise": torch.zeros_like(noise), "latent": half / small_video.LATENT_SCALE}
        return whole, run(guided(model, (positive, negative)), sigmas=sigmas[2:], **rest)

    with pytest.raises(SamplingError, match="in one run"):
        parts(generator, keyframes)
    assert_agree(*parts(interpolator, in_betweens), tolerance=1e-3)


def test_half_precision_latents_are_sampled_in_float32(generator, keyframes):
    """ComfyUI hands them over so with --fp16-intermediates."""
    positive, negative, latent = keyframes
    seen = []
    run(
        guided(generator, (positive, negative)),
        noise=noise_for(latent).half(),
        latent=latent["samples"].half(),
        callback=lambda i, x0, x, n: seen.append(x.dtype),
    )
    assert set(seen) == {torch.float32}


def test_memory_is_reserved_for_a_whole_window_of_few_keyframes(generator, monkeypatch):
    """Two keyframes in a clip of 120 frames: the windows have four, as the model needs."""
    import comfy.sampler_helpers

    conditioned = conditioned_keyframes(
        generator, **long_inputs(plan=small_encoders.plan((0, 30), n_frames=N_FRAMES))
    )
    seen = []
    prepare = comfy.sampler_helpers.prepare_sampling
    monkeypatch.setattr(
        comfy.sampler_helpers,
        "prepare_sampling",
        lambda model, shape, *rest, **more: (
            seen.append(shape[2]) or prepare(model, shape, *rest, **more)
        ),
    )
    found = run(guided(generator, conditioned[:2]), noise=noise_for(conditioned[2]))
    assert seen == [4] and found.shape[2] == 2


def test_tokens_of_all_windows_are_not_stored(generator, keyframes):
    with small_video.Forwards(generator) as forwards:
        run(guided(generator, keyframes[:2]), noise=noise_for(keyframes[2]))
        long = [keywords["transformer_options"] for _, _, keywords in forwards.calls]
        run(guided(generator))
    short = [keywords["transformer_options"] for _, _, keywords in forwards.calls[len(long) :]]
    assert not any("keyvid_token_store" in options for options in long)
    assert short and all("keyvid_token_store" in options for options in short)


def test_nothing_of_a_window_is_kept_beyond_its_turn(interpolator, in_betweens):
    """Conditions of all windows at once would be a gigabyte for a song at full size."""
    import gc
    import weakref

    guider, made = guided(interpolator, in_betweens[:2]), []
    part = guider.part

    def watched(number):
        one = part(number)
        gc.collect()
        made.append((weakref.ref(one), sum(ref() is not None for ref, _ in made)))
        return one

    guider.part = watched
    run(guider, noise=noise_for(in_betweens[2]))
    assert len(made) == 3 * len(guider.windows)
    assert max(n_alive for _, n_alive in made) <= 1


def test_another_guider_says_what_to_use(generator, keyframes):
    with pytest.raises(SamplingError, match=r"longer than the 48 frames.*Multimodal CFG"):
        run(core_guider(generator, keyframes[0]), noise=noise_for(keyframes[2]))


def test_cancel_between_windows(generator, keyframes):
    import comfy.model_management as management

    guider, forwards = guided(generator, keyframes[:2]), []

    def cancel(*_):
        forwards.append(True)
        management.interrupt_current_processing(True)

    handle = generator.model.diffusion_model.register_forward_hook(cancel)
    try:
        with pytest.raises(management.InterruptProcessingException):
            run(guider, noise=noise_for(keyframes[2]))
    finally:
        handle.remove()
        management.interrupt_current_processing(False)
    assert len(forwards) == 1
    run(guider, noise=noise_for(keyframes[2]))  # and it runs again
