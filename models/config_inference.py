"""Infers a network's sizes from the shapes of its tensors: what the `*_config_from_shapes` functions share."""

import re
from collections.abc import Iterable, Mapping

from ..errors import CheckpointMetadataError, CheckpointNamesError

Shape = tuple[int, ...]
# the longest axis that is believed; the longest published one is CLIP's vocabulary, 49408
MAX_AXIS = 1 << 20


def shape_of(shapes: Mapping[str, Shape], name: str, *, network: str, n_axes: int) -> Shape:
    """The shape of the tensor called `name`, as a tuple of ints from 1 to MAX_AXIS.

    shapes: name -> shape. network: how messages call the network. n_axes: how many axes it must have.
    Raises CheckpointNamesError when the tensor is absent or of a shape that it cannot have.
    """
    if name not in shapes:
        raise CheckpointNamesError(
            f"The weights of the {network} lack the tensor {name}; "
            "the file is incomplete or belongs to another network."
        )
    shape = tuple(shapes[name])
    if len(shape) != n_axes:
        raise CheckpointNamesError(
            f"The tensor {name} of the {network} has the shape {shape}, but {n_axes} axes are expected; "
            "the file belongs to another network."
        )
    if not all(1 <= size <= MAX_AXIS for size in shape):
        raise CheckpointNamesError(
            f"The tensor {name} of the {network} has the shape {shape}, which has a size that no such network has; "
            "the file is damaged or belongs to another network."
        )
    return shape


def count_blocks(shapes: Iterable[str], stem: str, *, network: str) -> int:
    """How many numbered blocks `stem.0`, `stem.1`, ... there are.

    Raises CheckpointNamesError when there is none or a number in between is missing.
    """
    pattern = re.compile(re.escape(stem) + r"\.(\d{1,3})\.")  # no network has a thousand
    numbers = {int(match.group(1)) for name in shapes if (match := pattern.match(name))}
    if not numbers or numbers != set(range(len(numbers))):
        raise CheckpointNamesError(
            f"The weights of the {network} hold the blocks {sorted(numbers)} under {stem}, where 0, 1, 2, ... "
            "without a gap are expected; the file is incomplete or belongs to another network."
        )
    return len(numbers)


def count_heads(
    inner_width: int, head_width: int | None, *, published: tuple[int, int], network: str
) -> int:
    """How many attention heads share `inner_width`; head_width None is the published network's.

    published: (inner width, head width) of the published network, the only one whose file need not state it.
    Raises CheckpointMetadataError when the head width is needed but not given, or does not divide the inner width.
    """
    default = published[1] if inner_width == published[0] else None
    return inner_width // checked_head_width(
        [inner_width], head_width, default=default, network=network
    )


def checked_head_width(
    inner_widths: Iterable[int], head_width: int | None, *, default: int | None, network: str
) -> int:
    """The head width that all attentions of these inner widths share.

    head_width: from the file's metadata, None when it has none. default: the width to use then, None when the widths
    are not the published ones. Raises CheckpointMetadataError when both are None, or it does not divide the widths.
    """
    widths = sorted(set(inner_widths))
    sizes = f"{' and '.join(map(str, widths))} wide"
    if head_width is None:
        head_width = default
    if head_width is None:
        raise CheckpointMetadataError(
            f"The attention of the {network} is {sizes}, which is no published size, and the file "
            "does not say how wide a head is; add head widths to its metadata."
        )
    if head_width < 1 or any(width % head_width for width in widths):
        raise CheckpointMetadataError(
            f"The attention of the {network} is {sizes}, which cannot be cut into heads of {head_width}; "
            "the metadata of the file does not belong to its weights."
        )
    return head_width
