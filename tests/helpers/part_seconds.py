"""Where a forward spends its CPU seconds, by kinds of layers: what `python dev.py bench unet --profile` prints."""

import time
from collections import defaultdict

from torch.utils._python_dispatch import TorchDispatchMode

SPACE, TIME = "convolutions within frames", "convolutions over time"
LINEAR, ATTENTION = "linear layers", "attention"
NORMS, SUMS, COPIES, REST = "norms", "activations and sums", "copies and joins", "everything else"
PARTS = (SPACE, TIME, LINEAR, ATTENTION, NORMS, SUMS, COPIES, REST)
_BY_NAME = {
    LINEAR: ("linear", "_linear_pointwise", "addmm", "mm", "conv1d"),  # with a kernel of one
    ATTENTION: ("scaled_dot_product_attention", "einsum", "softmax", "bmm"),
    NORMS: ("group_norm", "layer_norm"),
    SUMS: ("silu", "silu_", "gelu", "add", "add_", "mul", "mul_", "tanh"),
    COPIES: (
        "contiguous", "clone", "copy_", "cat", "reshape", "flatten", "to", "upsample_nearest2d", "repeat_interleave",
    ),
}  # fmt: skip
_PARTS = {name: part for part, names in _BY_NAME.items() for name in names}


class PartSeconds(TorchDispatchMode):
    """While it is entered, adds up what every layer takes: `seconds` of all threads and `operations` by part.

    operations: multiplications and additions of the layers that multiply matrices.
    """

    def __init__(self):
        super().__init__()
        self.seconds, self.operations = defaultdict(float), defaultdict(float)

    @property
    def total(self):
        """CPU seconds of all layers, without Python's own."""
        return sum(self.seconds.values())

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        start = time.process_time()
        out = func(*args, **(kwargs or {}))
        seconds = time.process_time() - start
        name = func.overloadpacket.__name__
        part = _part(name, args)
        self.seconds[part] += seconds
        self.operations[part] += _operations(name, args, out)
        return out


def _part(name, args):
    if name in ("conv2d", "conv3d"):
        return TIME if args[1].shape[2:] in ((3, 1), (3, 1, 1)) else SPACE
    if name == "mul" and isinstance(args[1], float):
        return ATTENTION  # the logits that are written out are scaled
    return _PARTS.get(name, REST)


def _operations(name, args, out):
    if name.startswith("conv"):
        return 2 * out.numel() * args[1][0].numel()
    if name in ("linear", "_linear_pointwise"):
        return 2 * out.numel() * args[1].shape[1]
    if name == "scaled_dot_product_attention":
        return 4 * args[0].numel() * args[1].shape[-2]
    if name == "einsum":  # of "nid,njd->nij" or "nij,njd->nid"
        first, second = args[1]
        summed = first.shape[-1]
        return 2 * out.numel() * summed if second.ndim == 3 else 0
    return 0
