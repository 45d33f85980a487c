"""What a training at full size writes is read by the loader nodes' own functions, with every part."""

import torch
from keyvid_pack.training.full_size import start, weights

from ...helpers.real_videos import full_training


def _written(folder, network):
    networks = start.open_video_networks(
        full_training.write_start_files(folder), network=network, dropout=0.0
    )
    tensors = {
        f"{part}.{name}": value
        for part in ("unet", "resampler")
        for name, value in getattr(networks, part).state_dict().items()
    }
    path = folder / f"{network}.safetensors"
    weights.write_video_weights(networks, network, 12, path, tensors, 7)
    return path, networks


def test_a_generator_is_loaded_whole(tmp_path):
    from keyvid_pack.host.loaders.whole_file import load_whole_file

    path, networks = _written(tmp_path, "generator")
    outputs = load_whole_file(str(path))
    assert len(outputs) == 5 and all(output is not None for output in outputs)
    loaded = dict(outputs[0].model.diffusion_model.named_parameters())
    ours = networks.unet.state_dict()
    # ComfyUI holds the network under a name of its own, the shortest before each
    found = {
        name: min((key for key in loaded if f".{key}".endswith(f".{name}")), key=len)
        for name in ours
    }
    differ = [
        name
        for name, tensor in ours.items()
        if not torch.equal(loaded[found[name]].float(), tensor.half().float())
    ]
    assert differ == []


def test_an_interpolator_is_loaded_as_a_model(tmp_path):
    from keyvid_pack.host.loaders.video_model import load_video_model

    path, _ = _written(tmp_path, "interpolator")
    assert load_video_model(str(path)) is not None


def test_a_localizer_is_loaded(tmp_path):
    from keyvid_pack.host.loaders.localizer import load_localizer

    network, _ = start.open_localizer(full_training.write_start_files(tmp_path)[1:])
    tensors = {f"localizer.{name}": value for name, value in network.state_dict().items()}
    path = tmp_path / "localizer.safetensors"
    weights.write_localizer_weights(network, "", path, tensors, 7)
    assert load_localizer(str(path)) is not None
