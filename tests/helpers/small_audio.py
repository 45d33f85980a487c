"""Audio tower and localizer at a width that fits into a test, with random weights of which none is zero."""

import dataclasses

import torch
from keyvid_pack.models.encoders.imagebind import AudioTower, AudioTowerConfig, init_audio_tower
from keyvid_pack.models.encoders.localizer import Localizer, LocalizerConfig, init_localizer

TOWER = AudioTowerConfig(
    width=24,
    layers=2,
    heads=3,
    mlp_width=40,
    kernel=(8, 6),
    stride=(7, 3),
    n_bins=32,
    n_columns=30,
)
NO_CLS = dataclasses.replace(TOWER, has_cls=False)
LOCALIZER = LocalizerConfig(n_tokens=36, width=24, hidden=5, n_scores=11, tower=NO_CLS)
NETWORKS = {
    "tower": lambda **kw: AudioTower(TOWER, **kw),
    "localizer": lambda **kw: Localizer(LOCALIZER, **kw),
}


def small(network=None, seed=0):
    generator = torch.Generator().manual_seed(seed)
    network = AudioTower(TOWER) if network is None else network
    init = init_audio_tower if isinstance(network, AudioTower) else init_localizer
    init(network, generator=generator)
    with torch.no_grad():  # nothing at zero, so that nothing can be left out unseen
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return network


def a_mel(batch=2, seed=7, *, n_columns=30):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 1, 32, n_columns, generator=generator)
