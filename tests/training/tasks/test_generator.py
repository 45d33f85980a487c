"""Generator and interpolator at the smallest sizes: training learns, resumes bit for bit, makes samples."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from keyvid_pack.training import recipe
from keyvid_pack.training.data import clips as clip_data
from keyvid_pack.training.engine.loop import step_generators, train
from keyvid_pack.training.engine.state import load_state
from keyvid_pack.training.tasks import diffusion_loss, encoders, generator, interpolator, samples
from keyvid_pack.training.tasks.diffusion_loss import WHOLE_FRAME_WEIGHT
from keyvid_pack.training.tasks.encoders import encode, tokenized
from PIL import Image

from ...helpers import small_training as small


class BlockVAE(torch.nn.Module):
    """Decodes made-up latents to grey images of their first channel."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def decode(self, latents):
        grey = latents[:, :1].expand(-1, 3, -1, -1).repeat_interleave(8, 2).repeat_interleave(8, 3)
        return type("Decoded", (), {"sample": grey * recipe.SCALE_FACTOR})


def generator_task(**options):
    return generator.generator_task(small.modules(), [small.clips(8)], batch_size=2, **options)


def interpolator_task(**options):
    modules = small.modules()
    kept = {name: modules[name] for name in encoders.ENCODERS}
    unet = interpolator.begin_as(modules["unet"], small.INTERPOLATOR)
    return interpolator.interpolator_task(unet, kept, [small.clips(8)], batch_size=1, **options)


TASKS = {"generator": generator_task, "interpolator": interpolator_task}


def same(a, b):
    """Whether two nested states hold the same bits."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


@pytest.mark.parametrize("name", TASKS)
def test_diffusion_training_resumes_bit_for_bit(tmp_path, name, monkeypatch):
    monkeypatch.setattr(recipe, "GENERATOR_FREEZE_STEP", 4)  # the encoders freeze on the way
    monkeypatch.setattr(recipe, "WHOLE_FRAME_STEP", 5)  # and the loss gets a part
    for folder, stops in (("once", [6]), ("twice", [3, 6])):
        for stop in stops:
            train(TASKS[name](), state_dir=tmp_path / folder, n_steps=stop, cpu=True)
    assert same(load_state(tmp_path / "once" / name), load_state(tmp_path / "twice" / name))


@pytest.mark.parametrize("name", TASKS)
def test_diffusion_loss_falls_on_eight_clips(tmp_path, name):
    task = replace(TASKS[name](), warmup_steps=5, learning_rate=3e-3)

    def mean_loss():
        with torch.no_grad():
            drawn = [step_generators(99, step) for step in range(4)]
            return np.mean([task.loss(task.batch(0, rng), g)[0].item() for rng, g in drawn])

    before = mean_loss()
    train(task, state_dir=tmp_path, n_steps=25, cpu=True)
    assert mean_loss() < 0.85 * before


def test_generator_freezes_its_encoders(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "GENERATOR_FREEZE_STEP", 2)
    task, states = generator_task(), []
    audio_weights = {k: v.clone() for k, v in task.frozen["audio"].state_dict().items()}
    for stop in (1, 2, 3):
        train(task, state_dir=tmp_path, n_steps=stop, cpu=True)
        states.append(load_state(tmp_path / "generator")["modules"])
    for name in encoders.TRAINED_ENCODERS:
        assert not same(states[0][name], states[1][name]) and same(states[1][name], states[2][name])
    assert not same(states[1]["unet"], states[2]["unet"])
    assert same(
        dict(task.frozen["audio"].state_dict()), audio_weights
    )  # the audio training's, as it is


@pytest.mark.parametrize("name", TASKS)
def test_whole_frame_loss_joins_at_its_step(name, monkeypatch):
    monkeypatch.setattr(recipe, "WHOLE_FRAME_STEP", 5)
    task = TASKS[name]()
    weights = [p for p in task.modules["unet"].parameters() if p.requires_grad]
    losses, gradients = {}, {}
    for step in (4, 5):
        batch = task.batch(step, np.random.default_rng(0))
        losses[step], scalars = task.loss(batch, torch.Generator().manual_seed(0))
        gradients[step] = torch.autograd.grad(losses[step], weights, allow_unused=True)
        added = (step == 5) * WHOLE_FRAME_WEIGHT * scalars["whole_frame"]
        torch.testing.assert_close(losses[step].detach(), scalars["v"] + added)
    assert losses[5] > losses[4]
    assert not same(gradients[4], gradients[5])


def test_generator_batch_has_one_count():
    clips, tokens = [small.clips(8)], torch.zeros(100, 77, dtype=torch.int64)
    counts = set()
    for step in range(20):
        rng, _ = step_generators(0, step)
        batch = generator.draw_batch(clips, tokens, rng, 3, joint=True, whole_frames=False)
        counts.add(batch["latents"].shape[2])
        assert batch["frame_index"].shape == (3, batch["latents"].shape[2])
        torch.testing.assert_close(batch["latents"][:, :, :1], batch["first"])
    assert counts <= set(recipe.KEYFRAME_COUNTS) and len(counts) > 3
    latents = clip_data.clip_latents(small.clips(8)[:2])
    picked = diffusion_loss.frames_of(latents, torch.tensor([[0, 7], [3, 47]]))
    torch.testing.assert_close(picked[1, :, 0], latents[1, :, 3])
    torch.testing.assert_close(picked[1, :, 1], latents[1, :, 47])


def test_dropped_conditioning_equals_that_of_inference():
    modules, tokens = small.modules(), tokenized(["a ball", ""])
    batch = {
        "tokens": tokens[:1].expand(2, -1),
        "empty": tokens[1],
        "frames": torch.randn(2, 3, 96, 128, generator=torch.Generator().manual_seed(0)),
        "mel": torch.ones(2, 1, 128, 204),
    }
    flags = torch.tensor([True, False])
    for name in ("text", "image", "audio"):
        kept = dict.fromkeys(("text", "image", "audio"), torch.zeros(2, dtype=torch.bool))
        conditioning = encode(modules, batch, {**kept, name: flags})
        given = encode(modules, batch, kept)
        absent = {"tokens": tokens[1:], "frames": batch["frames"] * 0, "mel": batch["mel"] * 0}
        nothing = encode(modules, {**batch, **absent}, kept)
        for other, value in conditioning.items():
            torch.testing.assert_close(value[1], given[other][1])
            torch.testing.assert_close(value[0], (nothing if other == name else given)[other][0])


def test_interpolator_starts_from_the_generator():
    unet = small.modules()["unet"]
    with torch.no_grad():
        unet.out[2].weight.fill_(0.1)
    begun = interpolator.begin_as(unet, small.INTERPOLATOR).state_dict()
    assert not any(name.startswith("frame_idx") for name in begun)
    assert all(torch.equal(value, unet.state_dict()[name]) for name, value in begun.items())


def test_interpolator_input_is_keyframes_and_zeros(monkeypatch):
    task, seen = interpolator_task(), {}
    real = diffusion_loss.denoise

    def watched(unet, x, timesteps, *, concat, **conditioning):
        seen.update(
            concat=concat,
            audio=conditioning["audio"],
            image=conditioning["image"],
            fps=conditioning["fps"],
        )
        return real(unet, x, timesteps, concat=concat, **conditioning)

    monkeypatch.setattr(diffusion_loss, "denoise", watched)
    rng, noise = step_generators(0, 0)
    batch = task.batch(0, rng)
    batch["keyframe_noise"] = torch.zeros(1, 1, 1, 1, 1)
    task.loss(batch, noise)
    planned = batch["planned"][0, 0, :, 0, 0]
    assert planned.nonzero().flatten().tolist() == list(batch["plans"][0])
    given = seen["concat"][0].transpose(0, 1)  # (48, 4, h, w)
    torch.testing.assert_close(given[planned], batch["latents"][0].transpose(0, 1)[planned])
    assert not given[~planned].any()
    assert seen["audio"].shape[:3] == (1, 48, 12) and seen["image"].shape[:2] == (1, 48)
    assert seen["fps"].tolist() == [24]


def test_samples_have_ground_truth_and_generated_rows(tmp_path):
    clips = small.clips(8)[:2]
    generator_task(held_out=clips, vae=BlockVAE()).sample(7, tmp_path)
    assert Image.open(tmp_path / "step_00000007.png").size == (12 * 32, 4 * 32)
    unet = small.modules()["unet"]
    task = interpolator_task(generator=unet, held_out=clips[:1], vae=BlockVAE())
    task.sample(7, tmp_path)
    assert Image.open(tmp_path / "step_00000007_0.png").size == (8 * 32, 12 * 32)


@pytest.mark.parametrize("made, error", [("truth", 0.0), ("still", 1.0)])
def test_moving_error_of_truth_and_still_image(tmp_path, monkeypatch, made, error):
    def paint(networks, conditioning, clips, plans):
        shown = plans if made == "truth" else [[0] * len(plan) for plan in plans]
        return diffusion_loss.frames_of(clip_data.clip_latents(clips), torch.tensor(shown))

    monkeypatch.setattr(samples, "generate_keyframes", paint)
    task = generator_task(held_out=small.clips(8)[:3], vae=BlockVAE())
    assert task.sample(7, tmp_path) == {"moving_error": pytest.approx(error)}
    sheet = np.asarray(Image.open(tmp_path / "step_00000007.png"))
    rows = sheet.reshape(6, 32, 12 * 32, 3)
    assert np.array_equal(rows[::2], rows[1::2]) == (made == "truth")
