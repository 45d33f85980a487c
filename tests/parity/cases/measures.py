"""The case of the paper's measures: Frechet distance, sync scores, and the networks behind them."""

import math

import torch
from keyvid_pack.evaluation.paper.frechet import frechet_distance
from keyvid_pack.evaluation.paper.inception import InceptionFeatures
from keyvid_pack.evaluation.paper.sync_classifier import SyncClassifier
from keyvid_pack.evaluation.paper.sync_scores import align_sync, rel_sync

from ..compare import load_tensors, max_abs_err


def metrics(case, folder):
    """[(label, largest absolute error)]; that of the distance is relative, and scaled so that both limits are one."""
    tensors = load_tensors(case, folder)
    tolerance = case["tolerance"]
    distance, expected = (
        frechet_distance(tensors["in.frechet_x1"], tensors["in.frechet_x2"]),
        tensors["out.frechet"].item(),
    )
    relative = abs(distance - expected) / abs(expected)
    relative_sync = rel_sync(tensors["in.avsync_gt"], tensors["in.avsync_gen"])
    aligned = align_sync(relative_sync, tensors["in.ia_gt_first"][:, 0], tensors["in.ia_gen"])
    found = {"relsync": relative_sync, "alignsync": aligned, **_outputs(case["config"])}
    return [
        ("frechet", relative / tolerance["frechet_rtol"] * tolerance["recommended_atol"]),
        *((name, max_abs_err(value, tensors[f"out.{name}"])) for name, value in found.items()),
    ]


def _outputs(sizes):
    """What the networks give for the recorded inputs, which are formulas."""
    size = sizes["avsync_video_size"]
    classifier = _with_recorded_weights(SyncClassifier())
    t = torch.arange(128 * 204, dtype=torch.float64)
    mel = torch.sin(0.013 * t + 0.2 * torch.sin(0.0007 * t)).float().reshape(1, 1, 128, 204)
    t = torch.arange(3 * 12 * size * size, dtype=torch.float64)
    video = torch.cos(0.017 * t + 0.3).float().reshape(1, 3, 12, size, size)
    t = torch.arange(3 * 229 * 229, dtype=torch.float64)
    image = torch.sin(0.0031 * t + torch.sin(0.11 * t)).float().reshape(1, 3, 229, 229)
    return {
        "avsync_audio_embedding": classifier.audio_encoder(mel),
        "avsync_video_embedding": classifier.video_encoder(video),
        "avsync_score": classifier(mel, video),
        "fid_inception_features": _with_recorded_weights(InceptionFeatures())(image),
    }


def _with_recorded_weights(network):
    """The network with the weights that the manifest describes by formula; the missing `fc.*` would come last."""
    state = network.state_dict()
    for i, name in enumerate(sorted(state)):
        tensor = state[name]
        if not tensor.is_floating_point():
            continue
        t = torch.arange(tensor.numel(), dtype=torch.float64)
        if name.endswith("running_var"):
            values = 1 + 0.5 * torch.sin(0.7 * t + i)
        elif tensor.ndim >= 2:
            values = torch.sin(12.9898 * t + 0.61803 * i) * math.sqrt(3 / tensor[0].numel())
        elif name.endswith("weight"):
            values = 1 + 0.2 * torch.sin(1.3 * t + i)
        else:
            values = 0.1 * torch.sin(2.1 * t + i)
        state[name] = values.reshape(tensor.shape).to(tensor)
    network.load_state_dict(state)
    return network.eval()
