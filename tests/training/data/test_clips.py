"""What the diffusion networks learn from: the records of clips, and drawing from files of them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.models.encoders.mel import waveform_to_mel
from keyvid_pack.training import command, recipe
from keyvid_pack.training.data import clips as clip_data
from keyvid_pack.training.data import records
from keyvid_pack.training.vae import file as vae_file
from keyvid_pack.training.vae import network as vae_network
from keyvid_pack.training.world.clip import HELD_OUT_FIRST_SEED, SCENES, render_clip


@pytest.fixture(scope="module")
def state_dir(tmp_path_factory):
    """A folder of trainings with a VAE that has learned nothing."""
    folder = tmp_path_factory.mktemp("trainings")
    torch.manual_seed(2)
    (folder / "vae").mkdir()
    vae_file.freeze_vae(vae_network.build_vae().eval(), render_clip(1).frames[::12], folder / "vae")
    return folder


def test_clip_record_holds_the_clip(state_dir):
    clip = render_clip(4)
    network = vae_file.load_vae(state_dir / "vae")
    record = clip_data.clip_record(clip, network)
    np.testing.assert_allclose(
        record["latent"][5], vae_file.encode(network, clip.frames[5:6])[0], atol=0.02, rtol=0.01
    )
    mel = waveform_to_mel(clip.audio[None])[0].numpy()
    np.testing.assert_allclose(record["mel"], mel, atol=2e-3)
    assert np.array_equal(record["motion"], clip.motion)
    assert np.array_equal(record["first_frame"], clip.frames[0])
    assert clip_data.CAPTIONS[record["caption"]] == clip.caption
    assert SCENES[record["scene"]] == clip.scene
    n = len(clip.events)
    assert n and record["event_frames"][:n].tolist() == [event.frame for event in clip.events]
    strengths = [event.strength for event in clip.events]
    assert record["event_strengths"][:n].tolist() == pytest.approx(strengths)
    assert (record["event_frames"][n:] == clip_data.NO_EVENT).all()
    assert not record["event_strengths"][n:].any()


def test_open_clips_makes_files_once(state_dir, monkeypatch):
    monkeypatch.setattr(clip_data, "CLIPS_PER_FILE", 1)
    assert clip_data.available_clips(state_dir) == 0
    clip_data.open_clips(state_dir, seeds=range(1, 2))
    assert clip_data.available_clips(state_dir) == 0  # the first is not there
    files = clip_data.open_clips(state_dir, seeds=range(2))
    assert clip_data.available_clips(state_dir) == 2

    monkeypatch.setattr(clip_data, "render_clip", None)  # a second making would fail
    again = clip_data.open_clips(state_dir, seeds=range(2))
    assert [len(file) for file in again] == [1, 1]
    assert all(np.array_equal(a["latent"], b["latent"]) for a, b in zip(files, again, strict=True))
    assert np.array_equal(files[1]["first_frame"][0], render_clip(1).frames[0])


def test_available_clips_with_overlapping_files(tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("clips_00000000_00000030", "clips_00000000_00000050", "clips_00000050_00000070"):
        (tmp_path / "data" / f"{name}.npy").touch()
    assert clip_data.available_clips(tmp_path) == 70


@pytest.mark.parametrize("n_clips", ["0", "-5", "30000"])
def test_train_data_refuses_impossible_numbers(tmp_path, n_clips, caplog):
    words = ("data", "--clips", n_clips, "--state-dir", str(tmp_path))
    assert command.main(*words) == 1
    assert n_clips in caplog.text


@pytest.mark.parametrize("name", ["generator", "interpolator"])
def test_training_clips_names_the_missing_step(tmp_path, caplog, name):
    assert command.main(name, "--state-dir", str(tmp_path)) == 1
    assert "python dev.py train data" in caplog.text


def test_training_seeds_exclude_held_out_seeds():
    assert max(recipe.TRAINING_SEEDS) < HELD_OUT_FIRST_SEED
    assert range(recipe.N_SOUNDS)[-1] < HELD_OUT_FIRST_SEED
    assert min(recipe.CHECK_SEEDS) >= HELD_OUT_FIRST_SEED
    assert min(recipe.HELD_OUT_SOUNDS) >= HELD_OUT_FIRST_SEED


def test_open_clips_without_a_vae_names_the_step(tmp_path):
    with pytest.raises(KeyVIDError, match="python dev.py train vae"):
        clip_data.open_clips(tmp_path, seeds=range(1))


def test_draw_records_is_uniform():
    kind = np.dtype([("number", np.int32), ("pair", np.float32, (2,))])
    files = [np.zeros(n, kind) for n in (3, 1, 6)]
    first = 0
    for file in files:
        file["number"] = np.arange(first, first + len(file))
        first += len(file)
    drawn = records.draw_records(files, np.random.default_rng(0), 10_000)
    assert drawn.dtype == kind
    counts = np.bincount(drawn["number"], minlength=10)
    assert len(counts) == 10 and abs(counts - 1000).max() < 5 * np.sqrt(900)  # five sigma


def test_record_files_remakes_a_partial_file(tmp_path):
    def broken(_seeds):
        raise KeyboardInterrupt

    options = {"seeds": range(2), "per_file": 2}
    with pytest.raises(KeyboardInterrupt):
        records.record_files(tmp_path, "numbers", make=broken, **options)
    (tmp_path / "numbers_00000000_00000002.npy.part").write_bytes(b"half")
    paths = records.record_files(tmp_path, "numbers", make=lambda seeds: np.array(seeds), **options)
    assert records.open_records(paths)[0].tolist() == [0, 1]
    assert list(tmp_path.iterdir()) == paths


@pytest.mark.parametrize(
    ("there", "minutes", "n_clips", "made"),
    [(0, 0, 120, 50), (50, 0, 120, 50), (0, 2.5, 120, 120), (50, 1.5, 500, 150)],
)
def test_clips_are_made_until_the_minutes_are_over(
    tmp_path, monkeypatch, there, minutes, n_clips, made
):
    clock, blocks, reports = [0.0], [], []

    def open_clips(folder, *, seeds):
        clock[0] += 60  # a minute for each file
        blocks.append(seeds)
        return []

    monkeypatch.setattr(clip_data, "open_clips", open_clips)
    monkeypatch.setattr(clip_data, "available_clips", lambda folder: there)
    monkeypatch.setattr(clip_data, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    n = clip_data.make_clips_for(
        tmp_path, minutes=minutes, n_clips=n_clips, report=lambda *n_of: reports.append(n_of)
    )
    assert n == made
    # each block once, from where the last call ended
    assert [seed for block in blocks for seed in block] == list(range(there, made))
    assert reports == [(min(done, n_clips), n_clips) for done in range(there + 50, made + 50, 50)]
