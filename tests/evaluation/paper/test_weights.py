"""Files of the networks: found by name, refused with a sentence, and never run unasked."""

import pytest
import torch
from keyvid_pack.errors import (
    CheckpointFileError,
    CheckpointNamesError,
    CheckpointUnsafeError,
    MeasureError,
)
from keyvid_pack.evaluation.paper import i3d, weights
from keyvid_pack.evaluation.paper.sync_classifier import SyncClassifier


class SmallVideoNetwork(torch.nn.Module):
    """Called as the published file is; four numbers of a video."""

    def forward(
        self,
        x: torch.Tensor,
        rescale: bool = True,
        resize: bool = True,
        return_features: bool = False,
    ) -> torch.Tensor:
        scale = 2.0 if rescale or resize or not return_features else 1.0
        return scale * torch.cat([x.mean(dim=[2, 3, 4]), x.amax(dim=[1, 2, 3, 4])[:, None]], dim=1)


@pytest.fixture
def program(tmp_path):
    path = tmp_path / weights.I3D_FILE
    torch.jit.script(SmallVideoNetwork()).save(str(path))
    return path


def test_a_program_is_run_with_its_checksum(program):
    videos = torch.rand(3, 3, 12, 8, 8)
    features = i3d.load_i3d(program, sha256=i3d.checksum(program).upper())(videos)
    expected = torch.cat(
        [videos.mean(dim=(2, 3, 4)), videos.amax(dim=(1, 2, 3, 4))[:, None]], dim=1
    )
    torch.testing.assert_close(features, expected)


def test_no_program_is_run_without_its_checksum(program, monkeypatch):
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("it was run"))
    with pytest.raises(CheckpointUnsafeError, match=i3d.checksum(program)):
        i3d.load_i3d(program, sha256=None)
    with pytest.raises(CheckpointUnsafeError, match="was not run"):
        i3d.load_i3d(program, sha256="0" * 64)


def test_what_is_no_program_is_said(tmp_path):
    path = tmp_path / weights.I3D_FILE
    path.write_bytes(b"no program")
    with pytest.raises(CheckpointFileError, match="no TorchScript"):
        i3d.load_i3d(path, sha256=i3d.checksum(path))


def save_classifier(folder):
    """The three files, with float16 values, and without the counters that old files lack."""
    network = SyncClassifier()
    for part in weights.CLASSIFIER_PARTS:
        state = {
            name: tensor.half()
            for name, tensor in network.get_submodule(part).state_dict().items()
            if "num_batches" not in name
        }
        (folder / part).mkdir(parents=True)
        torch.save(state, folder / part / "diffusion_pytorch_model.bin")
    return network


def test_the_classifier_is_read_from_its_three_files(tmp_path):
    saved = save_classifier(tmp_path / "checkpoint-40000" / "modules")
    found = weights.find_weights(tmp_path)
    assert found.inception is found.imagebind is found.i3d is None
    loaded = weights.load_sync_classifier(found.classifier)
    assert not loaded.training
    for name, tensor in saved.state_dict().items():
        expected = tensor if "num_batches" in name else tensor.half().float()
        assert torch.equal(loaded.state_dict()[name], expected), name


def test_a_part_of_the_classifier_is_missing(tmp_path):
    (tmp_path / "head").mkdir()
    (tmp_path / "head" / "diffusion_pytorch_model.bin").write_bytes(b"any")
    with pytest.raises(MeasureError, match="lacks audio_encoder, video_encoder"):
        weights.find_weights(tmp_path)


def test_another_network_is_refused(tmp_path):
    path = tmp_path / weights.INCEPTION_FILE
    torch.save({"fc.weight": torch.zeros(3, 2)}, path)
    assert weights.find_weights(tmp_path).inception == path
    with pytest.raises(CheckpointNamesError, match="not the file that this measure needs"):
        weights.load_inception(path)


def test_an_object_in_a_file_is_not_made(tmp_path):
    path = tmp_path / weights.INCEPTION_FILE
    torch.save({"fc.weight": torch.zeros(3, 2), "more": SmallVideoNetwork()}, path)
    with pytest.raises(CheckpointUnsafeError):
        weights.load_inception(path)


def test_no_folder():
    with pytest.raises(MeasureError, match="no folder"):
        weights.find_weights(weights.Path("/no/such/folder"))
