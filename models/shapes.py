"""Reading a network's configuration off the shapes of its tensors: what every `*_config_from_shapes` needs."""

import re

from ..keyframes.errors import CheckpointMetadataError, CheckpointNamesError


def shape_of(shapes, name, *, network, n_axes=None):
    """The shape of the tensor called `name`, as a tuple of ints.

    shapes: name -> shape. network: how messages call the network. n_axes: how many axes it must have.
    Raises CheckpointNamesError when the tensor is absent or has another number of axes.
    """
    if name not in shapes:
        raise CheckpointNamesError(
            f"The weights of the {network} lack the tensor {name}; "
            "the file is incomplete or belongs to another network."
        )
    shape = tuple(shapes[name])
    if n_axes is not None and len(shape) != n_axes:
        raise CheckpointNamesError(
            f"The tensor {name} of the {network} has the shape {shape}, but {n_axes} axes are expected; "
            "the file belongs to another network."
        )
    return shape


def count_blocks(shapes, stem, *, network):
    """How many numbered blocks `stem.0`, `stem.1`, ... there are.

    Raises CheckpointNamesError when there is none or a number in between is missing.
    """
    pattern = re.compile(re.escape(stem) + r"\.(\d+)\.")
    numbers = {int(match.group(1)) for name in shapes if (match := pattern.match(name))}
    if not numbers or numbers != set(range(len(numbers))):
        raise CheckpointNamesError(
            f"The weights of the {network} hold the blocks {sorted(numbers)} under {stem}, where 0, 1, 2, ... "
            "without a gap are expected; the file is incomplete or belongs to another network."
        )
    return len(numbers)


def count_heads(inner_width, head_width, *, published, network):
    """How many attention heads share `inner_width`; head_width None stands for the published network's.

    published: (inner width, head width) of the published network, the only one whose file need not say.
    Raises CheckpointMetadataError when the head width is needed but not given, or does not divide the inner width.
    """
    if head_width is None:
        if inner_width != published[0]:
            raise CheckpointMetadataError(
                f"The attention of the {network} is {inner_width} wide, which is no published size, and the file "
                "does not say how wide a head is; add head widths to its metadata."
            )
        head_width = published[1]
    if head_width < 1 or inner_width % head_width:
        raise CheckpointMetadataError(
            f"The attention of the {network} is {inner_width} wide, which cannot be cut into heads of "
            f"{head_width}; the metadata of the file does not belong to its weights."
        )
    return inner_width // head_width
