"""Trainings initialised from the shipped weights."""

import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.models.encoders.imagebind import AudioTower
from keyvid_pack.models.encoders.localizer import Localizer
from keyvid_pack.models.unet.unet import VideoUNet
from keyvid_pack.training import recipe
from keyvid_pack.training.engine.loop import Task, load_averages, train
from keyvid_pack.training.engine.state import load_state, save_state
from keyvid_pack.training.release import export, from_release
from keyvid_pack.training.tasks import audio, encoders
from keyvid_pack.training.vae import file as vae_file
from keyvid_pack.training.vae import network as vae_network
from keyvid_pack.training.world.clip import render_clip


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A folder with all weight files, of untrained networks."""
    folder = tmp_path_factory.mktemp("begin")
    torch.manual_seed(1)
    trained = encoders.make_encoders(generator=torch.Generator().manual_seed(1))
    networks = {
        "audio": {"audio": trained.pop("audio")},
        "generator": {"unet": VideoUNet(recipe.GENERATOR), **trained},
        "interpolator": {"unet": VideoUNet(recipe.INTERPOLATOR)},
        "localizer": {"localizer": Localizer(recipe.LOCALIZER)},
    }
    for name, modules in networks.items():
        averages = {part: network.state_dict() for part, network in modules.items()}
        save_state(folder / name, step=1, state={"averages": averages})
    (folder / "vae").mkdir()
    network = vae_network.build_vae().eval()
    vae_file.freeze_vae(network, render_clip(1).frames[::8], folder / "vae")
    for name in export.FILES:
        export.export(name, state_dir=folder, target_dir=folder / "weights")
    return folder / "weights", network


def test_write_states_starts_from_the_shipped_weights(weights, tmp_path):
    folder, trained_vae = weights
    assert from_release.write_states(tmp_path, weights=folder) == list(from_release.SOURCES)
    tower = AudioTower(recipe.AUDIO)
    assert load_averages("audio", {"audio": tower}, state_dir=tmp_path) == 0
    saved = load_state(folder.parent / "audio")["averages"]["audio"]
    assert all(torch.equal(v.half(), saved[k].half()) for k, v in tower.state_dict().items())
    frames = render_clip(1).frames[::8]
    begun = vae_network.build_vae().eval()
    load_averages("vae", {"vae": begun}, state_dir=tmp_path)
    truth = vae_network.reconstruct(trained_vae, frames).astype(int)
    for network in (begun, vae_file.load_vae(tmp_path / "vae")):
        assert (
            abs(vae_network.reconstruct(network, frames) - truth).max() <= 4
        )  # fp16 of a wild network
    size = begun.encode(vae_network.to_pixels(frames)).latent_dist.mean.square().mean()
    assert (
        0.5 < size.item() < 2
    )  # what the loss of the training keeps, not that of the shipped file


def test_training_continues_with_fresh_probe_heads(weights, tmp_path):
    from_release.write_states(tmp_path, weights=weights[0])
    modules = {
        "audio": AudioTower(recipe.AUDIO),
        "readers": audio.make_probe_heads(recipe.AUDIO.width),
    }
    begun = {k: v.clone() for k, v in load_state(tmp_path / "audio")["modules"]["audio"].items()}
    readers = {k: v.clone() for k, v in modules["readers"].state_dict().items()}
    seen = []

    def loss(_batch, _generator):
        seen.append(all(torch.equal(v, begun[k]) for k, v in modules["audio"].state_dict().items()))
        seen.append(
            all(torch.equal(v, readers[k]) for k, v in modules["readers"].state_dict().items())
        )
        return sum(p.square().mean() for m in modules.values() for p in m.parameters()), {}

    task = Task(
        name="audio",
        modules=modules,
        batch=lambda step, rng: torch.zeros(1),
        loss=loss,
        learning_rate=1e-3,
    )
    assert train(task, state_dir=tmp_path, n_steps=2, cpu=True) == 2
    assert seen[:2] == [True, True] and seen[2:] == [False, False]


def test_write_states_keeps_existing_states(weights, tmp_path):
    path = save_state(tmp_path / "localizer", step=5, state={"averages": {}})
    assert "localizer" not in from_release.write_states(tmp_path, weights=weights[0])
    assert path.is_file() and load_state(tmp_path / "localizer")["step"] == 5


def test_write_states_refuses_another_vae(weights, tmp_path):
    (tmp_path / "vae").mkdir()
    torch.manual_seed(9)
    vae_file.freeze_vae(
        vae_network.build_vae().eval(), render_clip(2).frames[::8], tmp_path / "vae"
    )
    with pytest.raises(KeyVIDError, match="a VAE of their own"):
        from_release.write_states(tmp_path, weights=weights[0])
    assert not (tmp_path / "generator").exists()


def test_write_states_names_missing_weights(tmp_path):
    with pytest.raises(KeyVIDError, match="train from nothing: python dev.py train vae"):
        from_release.write_states(tmp_path, weights=tmp_path)
