"""Weight files as the pack ships them: published layout, fp16, and read back by the pack's own loaders."""

import math
from xml.etree import ElementTree

import pytest
import torch
from keyvid_pack.errors import CheckpointError, KeyVIDError
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint, part_tensors
from keyvid_pack.models.encoders import clip, imagebind, localizer, resampler
from keyvid_pack.models.unet import unet
from keyvid_pack.training import recipe
from keyvid_pack.training.engine.state import save_state
from keyvid_pack.training.release import export, learning_curves
from keyvid_pack.training.tasks import TASKS
from keyvid_pack.training.vae import file as vae_file
from keyvid_pack.training.vae import network as vae_network
from keyvid_pack.training.world.clip import render_clip

NETWORKS = {
    layouts.UNET: lambda: unet.VideoUNet(recipe.GENERATOR),
    layouts.RESAMPLER: lambda: resampler.Resampler(recipe.RESAMPLER),
    layouts.TEXT: lambda: clip.CLIPTextTower(recipe.TEXT),
    layouts.VISION: lambda: clip.CLIPVisionTower(recipe.VISION),
    layouts.AUDIO: lambda: imagebind.AudioTower(recipe.AUDIO),
}
CONFIGS = {
    layouts.UNET: recipe.GENERATOR,
    layouts.RESAMPLER: recipe.RESAMPLER,
    layouts.VAE: recipe.VAE,
    layouts.TEXT: recipe.TEXT,
    layouts.VISION: recipe.VISION,
    layouts.AUDIO: recipe.AUDIO,
    layouts.LOCALIZER: recipe.LOCALIZER,
}


def random_state(network):
    generator = torch.Generator().manual_seed(3)
    return {
        name: torch.randn(tensor.shape, generator=generator)
        for name, tensor in network.state_dict().items()
    }


@pytest.fixture(scope="module")
def trainings(tmp_path_factory):
    """The states of untrained trainings: {training: averages} beside the folder."""
    folder = tmp_path_factory.mktemp("trainings")
    interpolator = {layouts.UNET: random_state(unet.VideoUNet(recipe.INTERPOLATOR))}
    averages = {
        "generator": {part: random_state(make()) for part, make in NETWORKS.items()},
        "audio": {layouts.AUDIO: random_state(NETWORKS[layouts.AUDIO]())},
        "interpolator": interpolator,
        "localizer": {layouts.LOCALIZER: random_state(localizer.Localizer(recipe.LOCALIZER))},
    }
    for name, tensors in averages.items():
        save_state(folder / name, step=1, state={"averages": tensors})
    (folder / "vae").mkdir()
    vae_file.freeze_vae(vae_network.build_vae().eval(), render_clip(1).frames[::24], folder / "vae")
    return folder, averages


@pytest.mark.parametrize("file_name", export.FILES)
def test_export_holds_the_trained_weights(trainings, tmp_path, file_name):
    folder, averages = trainings
    path = export.export(file_name, state_dir=folder, target_dir=tmp_path)
    checkpoint = open_checkpoint(path)
    assert file_name.endswith(checkpoint.kind)
    sources = export.FILES[file_name][1]
    assert set(checkpoint.layout.parts) == set(sources)
    for part, training in sources.items():
        config = recipe.INTERPOLATOR if training == "interpolator" else CONFIGS[part]
        assert build.config_of(checkpoint, part) == config
        loaded = part_tensors(checkpoint, part)
        assert all(tensor.dtype in (torch.float16, torch.int64) for tensor in loaded.values())
        if part != layouts.VAE:
            saved = averages[training][part]
            assert loaded.keys() == saved.keys()
            assert all(torch.equal(loaded[name], saved[name].half()) for name in saved)
    metadata = checkpoint.metadata
    assert metadata.licence == "Apache-2.0" and metadata.name == export.FILES[file_name][0]
    assert metadata.keyframe_counts == recipe.KEYFRAME_COUNTS


def test_export_refuses_a_decoder_of_another_encoder(trainings, tmp_path):
    folder, _ = trainings
    torch.manual_seed(4)
    other = {"vae": vae_network.build_vae().state_dict()}
    (tmp_path / "vae").mkdir()
    frozen = folder / "vae" / vae_file.FILE_NAME
    (tmp_path / "vae" / vae_file.FILE_NAME).write_bytes(frozen.read_bytes())
    save_state(tmp_path / "decoder", step=1, state={"averages": other})
    with pytest.raises(KeyVIDError, match="another encoder"):
        export.trained_part(layouts.VAE, "vae", tmp_path)


def test_exported_files_fit_their_limit():
    sizes = {}
    for part, config in CONFIGS.items():
        sizes[part] = sum(map(math.prod, build.expected_shapes(part, config).values()))
    interpolator = build.expected_shapes(layouts.UNET, recipe.INTERPOLATOR)
    n = sum(sizes.values()) + sizes[layouts.RESAMPLER] + sum(map(math.prod, interpolator.values()))
    assert 2 * n < 0.99 * export.LARGEST_BYTES, sizes  # the rest is names


def test_write_weights_refuses_another_size(tmp_path):
    tensors = random_state(unet.VideoUNet(recipe.GENERATOR))
    tensors["time_embed.0.weight"] = tensors["time_embed.0.weight"][:-1]
    parts = {layouts.UNET: tensors}
    with pytest.raises(CheckpointError):
        export.write_weights(tmp_path / "x.safetensors", parts, export.metadata_of("x", parts))
    assert not list(tmp_path.iterdir())


def test_export_names_a_missing_training(tmp_path):
    with pytest.raises(
        KeyVIDError, match="no unet network yet; run: python dev.py train generator"
    ):
        export.export("keyvid_small_generator", state_dir=tmp_path, target_dir=tmp_path)


def test_learning_curves_drawing_is_up_to_date():
    names = [name for name in TASKS if (learning_curves.RECORDS / f"{name}.csv").is_file()]
    losses = {
        name: learning_curves.read_losses(learning_curves.RECORDS / f"{name}.csv") for name in names
    }
    assert len(losses) == 6
    assert learning_curves.DRAWING.read_text(encoding="utf-8") == learning_curves.drawing(losses)


def test_read_losses_prefers_the_error_of_v(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("step,loss,v\n20,0.5,\n40,0.9,0.4\n", encoding="utf-8")
    assert learning_curves.read_losses(log) == [(20, 0.5), (40, 0.4)]


def test_record_copies_logs_and_draws_them(tmp_path):
    state_dir, drawn = tmp_path / "states", tmp_path / "learning_curves.svg"
    (state_dir / "vae").mkdir(parents=True)
    text = "step,seconds,loss,held_out_psnr\n20,1.0,0.5,\n40,2.0,0.25,\n40,2.5,,30.1\n"
    (state_dir / "vae" / "log.csv").write_text(text, encoding="utf-8")
    learning_curves.record(state_dir, {"vae", "audio"}, records=tmp_path / "records", drawn=drawn)
    assert [path.name for path in (tmp_path / "records").iterdir()] == ["vae.csv"]
    assert learning_curves.read_losses(tmp_path / "records" / "vae.csv") == [(20, 0.5), (40, 0.25)]
    svg = ElementTree.fromstring(drawn.read_text(encoding="utf-8"))
    lines = [element for element in svg.iter() if element.tag.endswith("polyline")]
    assert len(lines) == 1
    (first, last) = [tuple(map(float, p.split(","))) for p in lines[0].get("points").split()]
    assert last[0] > first[0] and last[1] > first[1], "time goes right, and a smaller loss is lower"
