"""A text for every keyframe: how it gets onto CONDITIONING, and what the network is given for every frame of it."""

from dataclasses import replace

import pytest
import torch
from keyvid_pack.errors import KeyVIDError, PlanError, PlanMismatchError
from keyvid_pack.keyframes.plan import with_keyframes
from keyvid_pack.models.encoders.text_tokens import tokens_at_frames

from ...helpers import small_checkpoint, small_encoders
from ...helpers.conditioned import (
    conditioned_interpolation,
    conditioned_keyframes,
    without_audio,
)
from ...helpers.small_video import (
    FRAMES,
    Forwards,
    assert_agree,
    conditioning,
    core_guider,
    guided,
    run,
    unit_noise,
)

WIDTH = small_checkpoint.UNET.context_width


class Clip:
    """A CLIP whose tokens are random numbers of its own for each text, 77 of them for every 40 characters."""

    def __init__(self, n_entries=1):
        self.texts, self.n_entries = [], n_entries

    def tokenize(self, text):
        return text

    def encode_from_tokens_scheduled(self, text):
        self.texts.append(text)
        n_tokens = 77 * max(1, -(-len(text) // 40))
        return [[tokens_of(text, n_tokens, k), {"part": k}] for k in range(self.n_entries)]


def tokens_of(text, n_tokens=77, k=0):
    generator = torch.Generator().manual_seed(sum(map(ord, text)) + k)
    return torch.randn(1, n_tokens, WIDTH, generator=generator)


def plan_with(*words, frames=FRAMES):
    plan = small_encoders.plan(frames)
    pairs = zip(plan.keyframes, words, strict=True)
    return with_keyframes(plan, [replace(keyframe, prompt=text) for keyframe, text in pairs])


def encoded(plan, *, clip=None, global_text="a hall", lines="", blend=True):
    from keyvid_pack.host.sampling.tokens.keyframe_text import keyframe_text

    return keyframe_text(clip or Clip(), plan, global_text, lines, blend=blend)


def per_keyframe(tokens, *, frames=FRAMES, n_frames=48, blend=True):
    """A pair for the small models whose positive has these tokens (K, L, C) for the keyframes at `frames`."""
    from keyvid_pack.host.sampling.condition_keys import KEYFRAME_TEXT
    from keyvid_pack.host.sampling.tokens.keyframe_text import KeyframeText

    positive, negative = conditioning(FRAMES)
    text = KeyframeText(tokens, tuple(frames), n_frames, blend)
    return [[tokens[:1], {**entry, KEYFRAME_TEXT: text}] for _, entry in positive], negative


def random_texts(n=4):
    return torch.randn(n, 7, WIDTH, generator=torch.Generator().manual_seed(5))


# --- encoding


def test_every_different_text_is_encoded_once():
    clip = Clip()
    plan = plan_with("the door opens", "", "rain", "the door opens")
    ((first, entry),) = encoded(plan, clip=clip)
    door, hall, rain = "a hall, the door opens", "a hall", "a hall, rain"
    assert clip.texts == [door, hall, rain]
    text = entry["keyvid_keyframe_text"]
    assert torch.equal(text.tokens, torch.cat([tokens_of(t) for t in (door, hall, rain, door)]))
    assert (text.frames, text.n_frames, text.blend) == (FRAMES, 48, True)
    assert torch.equal(first, tokens_of(door)) and entry["part"] == 0


@pytest.mark.parametrize("words", [("",) * 4, ("rain",) * 4], ids=["none", "the same"])
def test_where_every_keyframe_has_the_same_words_it_is_plain_text(words):
    ((tokens, entry),) = encoded(plan_with(*words))
    text = "a hall, rain" if words[0] else "a hall"
    assert torch.equal(tokens, tokens_of(text)) and entry == {"part": 0}


def test_lines_and_words_have_the_order_of_keyframe_prompts():
    clip = Clip()
    encoded(plan_with("", "own", "own", ""), clip=clip, lines="manual: kind\n20: typed")
    assert clip.texts == ["a hall", "a hall, own", "a hall, typed", "a hall, kind"]
    with pytest.raises(PlanError, match=r"frame 7.*the one before it is at 5"):
        encoded(plan_with("", "", "", ""), lines="7: nothing is here")


def test_texts_of_several_lengths_are_made_equally_long():
    long = "x" * 60
    ((_, entry),) = encoded(plan_with(long, "", "", ""), global_text="")
    tokens = entry["keyvid_keyframe_text"].tokens
    assert tokens.shape == (4, 154, WIDTH)
    assert torch.equal(tokens[:1], tokens_of(long, 154))
    assert torch.equal(tokens[1:2], tokens_of("").repeat(1, 2, 1))


def test_a_scheduled_encoder_keeps_its_schedule():
    entries = encoded(plan_with("rain", "", "", ""), clip=Clip(n_entries=2))
    assert [entry["part"] for _, entry in entries] == [0, 1]
    for k, (_, entry) in enumerate(entries):
        assert torch.equal(entry["keyvid_keyframe_text"].tokens[:1], tokens_of("a hall, rain", k=k))


def test_no_clip_is_named():
    from keyvid_pack.host.sampling.tokens.keyframe_text import keyframe_text

    with pytest.raises(KeyVIDError, match="no CLIP on the clip input"):
        keyframe_text(None, plan_with("", "", "", ""), "", "", blend=True)


# --- what the network is given


@pytest.mark.parametrize("blend", [True, False])
def test_passes_with_text_get_that_of_their_frames_and_the_others_the_negative(generator, blend):
    tokens = random_texts(3)
    pair = per_keyframe(tokens, frames=(0, 10, 30), blend=blend)
    with Forwards(generator) as forwards:
        run(guided(generator, pair, audio_scale=9.0))
    expected = tokens_at_frames(tokens, (0, 10, 30), torch.tensor(FRAMES), blend=blend)
    negative = pair[1][0][0]
    seen = {}
    for n_rows, _, keywords in forwards.calls:
        rows = keywords["context"].split(1)
        numbers = keywords["transformer_options"]["cond_or_uncond"]
        assert n_rows == len(rows) == len(numbers)
        seen |= dict(zip(numbers, rows, strict=True))
    for number in (0, 3):  # full, and image and text
        assert torch.equal(seen[number][0], expected)
    for number in (1, 2):  # none, and image
        assert torch.equal(seen[number], negative)


def test_one_text_given_frame_by_frame_is_that_text(generator):
    (tokens,) = random_texts(1)[None]
    pair = per_keyframe(tokens.expand(4, -1, -1))
    plain = ([[tokens, conditioning(FRAMES)[0][0][1]]], pair[1])
    assert_agree(
        run(guided(generator, pair, audio_scale=9.0)),
        run(guided(generator, plain, audio_scale=9.0)),
    )
    # the negative control: one keyframe with other words is seen
    other = tokens.repeat(4, 1, 1)
    other[2] = random_texts(2)[1]
    changed = run(guided(generator, per_keyframe(other), audio_scale=9.0))
    with pytest.raises(AssertionError):
        assert_agree(changed, run(guided(generator, plain, audio_scale=9.0)))


def test_a_plain_sampler_is_given_it_too(generator):
    pair = per_keyframe(random_texts())
    with Forwards(generator) as forwards:
        run(core_guider(generator, pair[0]))
    assert {tuple(call[2]["context"].shape) for call in forwards.calls} == {(1, 4, 7, WIDTH)}


def test_batches_of_latents_share_it(generator):
    noise = unit_noise(batch=2)
    found = run(guided(generator, per_keyframe(random_texts())), noise=noise)
    assert found.shape == noise.shape and torch.isfinite(found).all()


def test_context_windows_get_the_text_of_their_frames(generator):
    from comfy_extras.nodes_context_windows import ContextWindowsManualNode

    frames = tuple(range(0, 40, 5))
    settings = {
        "context_length": 4, "context_overlap": 2, "context_schedule": "standard_static", "context_stride": 1,
        "closed_loop": False, "fuse_method": "pyramid", "dim": 2, "freenoise": False, "causal_window_fix": False,
    }  # fmt: skip
    model = ContextWindowsManualNode.execute(generator, **settings).result[0]
    positive, negative = conditioning(frames)
    tokens = random_texts(2)
    given = per_keyframe(tokens, frames=(0, 35))[0][0][1]["keyvid_keyframe_text"]
    positive = [[tokens[:1], {**positive[0][1], "keyvid_keyframe_text": given}]]
    with Forwards(model) as forwards:
        run(guided(model, (positive, negative)), noise=unit_noise(n_frames=len(frames)))
    n_checked = 0
    for _, _, keywords in forwards.calls:
        if keywords["context"].ndim == 4:
            expected = given.at(keywords["frame_index"])
            torch.testing.assert_close(keywords["context"], expected, rtol=0, atol=1e-6)
            n_checked += 1
    assert n_checked > 2


# --- through the conditioning nodes


def test_one_text_goes_through_both_stages(generator, interpolator):
    plan = plan_with("", "the door opens", "", "")
    text = encoded(plan)
    positive, negative, _ = conditioned_keyframes(generator, positive=text, plan=plan)
    painted = positive[0][1]
    assert painted["keyvid_keyframe_text"] is text[0][1]["keyvid_keyframe_text"]
    assert "keyvid_keyframe_text" not in negative[0][1]
    found = painted["keyvid_keyframe_text"].at(painted["keyvid_frame_index"])
    assert torch.equal(found[0, 1], tokens_of("a hall, the door opens")[0])
    # what Keyframe Conditioning gave may be handed on to the interpolation
    positive, _, latent = conditioned_interpolation(interpolator, positive=positive, plan=plan)
    filled = positive[0][1]
    found = filled["keyvid_keyframe_text"].at(filled["keyvid_frame_index"])
    assert found.shape[1] == latent["samples"].shape[2] == 48
    door, hall = tokens_of("a hall, the door opens")[0], tokens_of("a hall")[0]
    torch.testing.assert_close(found[0, 2], hall + 2 / 5 * (door - hall))
    torch.testing.assert_close(found[0, 8], door + 3 / 15 * (hall - door))


def test_a_window_has_the_text_of_its_frames_and_only_the_keyframes_that_it_needs():
    ((_, entry),) = encoded(plan_with("", "a", "b", "c"))
    text = entry["keyvid_keyframe_text"]
    frames = torch.arange(48)[None]
    for start in range(46):
        for n in (2, 12, 48 - start):
            of_window = text.of_window(start, n)
            inside = frames[:, start:][:, :n]
            found, expected = of_window.at(frames[:, : inside.shape[1]]), text.at(inside)
            # one rounding of float32 on values below 5, since lerp may be computed in two ways
            torch.testing.assert_close(found, expected, rtol=0, atol=5 * 2**-23)
    # 5 and 20 alone have text at 6 ... 19, so that words elsewhere leave the window as it was
    assert text.of_window(6, 14).frames == (-1, 14)
    assert torch.equal(text.of_window(6, 14).tokens, text.tokens[1:3])


def test_a_text_of_another_plan_is_refused(generator, interpolator, dynamicrafter):
    text = encoded(plan_with("", "a", "b", "c"))
    for where, frames in (("that one", (0, 5, 30, 40)), ("this one", (0, 2, 5, 20))):
        for node, model, name in (
            (conditioned_keyframes, generator, "positive"),
            (conditioned_keyframes, generator, "negative"),
            (conditioned_interpolation, interpolator, "positive"),
        ):
            with pytest.raises(PlanMismatchError) as error:
                node(model, plan=small_encoders.plan(frames), **{name: text})
            message = str(error.value)
            assert f"the {name} input" in message and f"only {where} has" in message
            assert "Connect the same plan" in message
    # DynamiCrafter paints without a plan, every frame of its own clip
    conditioned_keyframes(dynamicrafter, positive=text, **without_audio())
    longer = small_encoders.plan((0, 5, 9, 12), n_frames=50)
    own = replace(longer.keyframes[1], prompt="rain")
    longer = with_keyframes(longer, [longer.keyframes[0], own, *longer.keyframes[2:]])
    with pytest.raises(PlanMismatchError, match="for a clip of 50 frames, and this one has 48"):
        conditioned_keyframes(dynamicrafter, positive=encoded(longer), **without_audio())
