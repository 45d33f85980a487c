"""The networks of FID and the sync scores: against another implementation, and many at once or one by one.

The recorded outputs of the published code are compared with in tests/parity.
"""

import pytest
import torch
import torchvision
from keyvid_pack.evaluation.paper.inception import N_FEATURES, InceptionFeatures
from keyvid_pack.evaluation.paper.sync_classifier import EMBEDDING, SyncClassifier
from torch.nn import functional

ROUNDING = 1e-9  # float64 has 2.2e-16, and no layer multiplies an error by more than a few


def randomised(network, seed=0):
    """The network with running statistics and norms that are not those of a new one, in float64."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(0.5 + torch.rand(tensor.shape, generator=generator))
        elif tensor.is_floating_point():
            noise = torch.randn(tensor.shape, generator=generator)
            is_norm = tensor.ndim == 1 and name.endswith("weight")
            std = (2 / tensor[0].numel()) ** 0.5 if tensor.ndim > 1 else 0.2
            tensor.copy_(std * noise + is_norm)  # as large a signal behind a layer as before it
    return network.eval().double().requires_grad_(False)


def published_inception(state, monkeypatch):
    """torchvision's network with the two changes, made from outside."""
    network = torchvision.models.inception_v3(
        weights=None, num_classes=1008, aux_logits=False, init_weights=False
    ).double()
    network.load_state_dict(state, strict=False)
    network.fc = torch.nn.Identity()
    average = functional.avg_pool2d
    counted = {"count_include_pad": False}
    in_last = []
    network.Mixed_7c.register_forward_pre_hook(lambda *_: in_last.append(True))

    def pooled(x, **how):
        if in_last:
            return functional.max_pool2d(x, **how)
        return average(x, **how, **counted)

    monkeypatch.setattr(functional, "avg_pool2d", pooled)
    return network.eval()


def test_inception_is_torchvisions_with_the_published_changes(monkeypatch):
    ours = randomised(InceptionFeatures())
    images = torch.rand(2, 3, 91, 91, generator=torch.Generator().manual_seed(1)).double() * 2 - 1
    found = ours(images)
    with torch.no_grad():
        expected = published_inception(ours.state_dict(), monkeypatch)(images)
    assert found.shape == (2, N_FEATURES) and expected.std() > 1e-3
    torch.testing.assert_close(found, expected, rtol=ROUNDING, atol=ROUNDING)


def test_inception_has_the_names_of_the_file():
    theirs = torchvision.models.inception_v3(
        weights=None, num_classes=1008, aux_logits=False, init_weights=False
    )
    of_file = {k: v.shape for k, v in theirs.state_dict().items() if not k.startswith("fc.")}
    assert {k: v.shape for k, v in InceptionFeatures().state_dict().items()} == of_file


@pytest.mark.parametrize("size", [64, 80])
def test_a_batch_changes_no_score(size):
    """Clips that are measured together have the scores that they have alone."""
    classifier = randomised(SyncClassifier())
    generator = torch.Generator().manual_seed(2)
    mel = torch.randn(3, 1, 128, 204, generator=generator).double()
    video = torch.randn(3, 3, 12, size, size, generator=generator).double()
    together = classifier(mel, video)
    alone = torch.cat([classifier(mel[i : i + 1], video[i : i + 1]) for i in range(3)])
    assert together.shape == (3,) and together.std() > 1e-6
    torch.testing.assert_close(together, alone, rtol=ROUNDING, atol=ROUNDING)
    embedding = classifier.audio_encoder(mel)
    assert embedding.shape == (3, EMBEDDING)


def test_a_batch_changes_no_image():
    network = randomised(InceptionFeatures())
    images = torch.randn(3, 3, 75, 75, generator=torch.Generator().manual_seed(3)).double()
    alone = torch.cat([network(images[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(network(images), alone, rtol=ROUNDING, atol=ROUNDING)


def test_the_classifier_hears_order_in_time():
    """The same frames in another order, or another sound, have another score."""
    classifier = randomised(SyncClassifier())
    generator = torch.Generator().manual_seed(4)
    mel = torch.randn(2, 1, 128, 204, generator=generator).double()
    video = torch.randn(1, 3, 12, 64, 64, generator=generator).double()
    score = classifier(mel[:1], video)
    assert abs(classifier(mel[:1], video.flip(2)) - score) > 1e-6
    assert abs(classifier(mel[1:], video) - score) > 1e-6
