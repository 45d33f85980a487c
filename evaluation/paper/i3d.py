"""The network of the published FVD: a TorchScript file, which is a program and not only numbers.

Unterthiner et al., "Towards accurate generative models of video" (2018); the file is that of StyleGAN-V (Skorokhodov
et al., CVPR 2022), an I3D network trained on Kinetics-400. What it does when it is called is in the file itself, so it
is run only when the person says so and says which file it has to be.
"""

import hashlib
from pathlib import Path

import torch

from ...errors import CheckpointFileError, CheckpointUnsafeError

_BLOCK_BYTES = 1 << 20


class I3DFeatures:
    """videos (B, 3, frames, 224, 224) in [-1, 1] -> features (B, d), as the published code calls the file."""

    def __init__(self, network: torch.jit.ScriptModule) -> None:
        self.network = network

    @torch.no_grad()
    def __call__(self, videos: torch.Tensor) -> torch.Tensor:
        return self.network(videos, rescale=False, resize=False, return_features=True)


def load_i3d(path: Path, *, sha256: str | None, device: str = "cpu") -> I3DFeatures:
    """The network in a TorchScript file whose SHA-256 is the given one, in hexadecimal.

    Raises CheckpointUnsafeError without a checksum and for another file, CheckpointFileError when it cannot be read.
    """
    found = checksum(path)
    if sha256 is None:
        raise CheckpointUnsafeError(
            f"{path.name} is a program (TorchScript) that would run on this machine. If you trust where it is from, "
            f"say so with --run-i3d and its checksum; that of this file is {found}. Compare it with its source first."
        )
    if found != sha256.strip().lower():
        raise CheckpointUnsafeError(
            f"{path.name} has the checksum {found}, not {sha256}. It is another file than the one you trust; "
            "it was not run. Fetch it again."
        )
    try:
        network = torch.jit.load(str(path), map_location=device)
    except (RuntimeError, ValueError) as error:
        raise CheckpointFileError(
            f"{path.name} is no TorchScript file ({str(error).splitlines()[0]}). Fetch it again."
        ) from None
    return I3DFeatures(network.eval())


def checksum(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal. Raises CheckpointFileError."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise CheckpointFileError(f"{path.name} cannot be read ({error.strerror}).") from None
    return digest.hexdigest()
