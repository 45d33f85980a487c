"""Sizes that no network has: whatever shapes a file lists, it ends in a CheckpointError with its message."""

import functools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from keyvid_pack.errors import CheckpointError, CheckpointUnknownError
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.checkpoint import Checkpoint, open_tensors
from keyvid_pack.models.checkpoint.files import read_file
from keyvid_pack.models.checkpoint.metadata import Metadata
from keyvid_pack.released.convert import convert
from safetensors.torch import load_file

from ...helpers import small_checkpoint as small

SIZES = st.sampled_from([0, 1, 2, 3, 8, 24, 31, 32, 33, 48, 64, 96, 1 << 21, 1 << 62])
COUNTS = st.sampled_from([1, 2, 7, 8, 16, 48, 10**30])
METADATA = st.builds(
    Metadata,
    head_widths=st.just({}) | COUNTS.map(lambda n: dict.fromkeys(small.CONFIGS, n)),
    queries=COUNTS,
    audio_stride=st.none() | st.tuples(COUNTS, COUNTS),
    mel_columns=st.none() | COUNTS,
)


@pytest.fixture(autouse=True, scope="module")
def networks_worked_out_once():
    """For all files that seem to hold the same network: working one out takes a while."""
    shapes = functools.cache(build.expected_shapes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build, "expected_shapes", lambda *sizes: dict(shapes(*sizes)))
        yield


def checkpoint(part, shapes, metadata=small.METADATA):
    return Checkpoint(layouts.Layout(layouts.GENERATOR, {part: ""}), metadata, shapes)


def is_refused(opened, part):
    """Whether what is done with a part before it is read ends in a CheckpointError."""
    try:
        build.check_part(opened, part)
    except CheckpointError as error:
        assert len(str(error)) < 2000
        return True
    return False


@functools.cache
def telling_names(part):
    """The names whose shapes a configuration is read from: nothing can be inferred when one is a scalar."""
    shapes, found = small.part_shapes(part), []
    for name in shapes:
        try:
            build.config_of(checkpoint(part, {**shapes, name: ()}), part)
        except CheckpointError:
            found.append(name)
    return found


def test_the_small_networks_themselves_are_taken():
    for part in small.CONFIGS:
        assert not is_refused(checkpoint(part, small.part_shapes(part)), part)
        assert len(telling_names(part)) >= 3, part


@pytest.mark.parametrize(
    "odd", [(), (0,), (1, 1, 1, 1, 1), (0, 0), (0, 0, 0), (0, 0, 0, 0)], ids=str
)
@pytest.mark.parametrize("part", small.CONFIGS)
def test_every_weight_of_an_odd_shape_is_refused(part, odd):
    shapes = small.part_shapes(part)
    for name in shapes:
        opened = checkpoint(part, {**shapes, name: odd})
        assert is_refused(opened, part) or shapes[name] == odd, name


@pytest.mark.parametrize("part", small.CONFIGS)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_other_sizes_are_refused_or_fit(part, data):
    """One to three of the shapes that sizes are read from are others, and the metadata may be any."""
    shapes = small.part_shapes(part)
    for name in data.draw(st.lists(st.sampled_from(telling_names(part)), min_size=1, max_size=3)):
        same_axes = st.tuples(*(st.just(size) | SIZES for size in shapes[name]))
        other_axes = st.lists(SIZES, max_size=6).map(tuple)
        shapes[name] = data.draw(same_axes | same_axes | other_axes, label=name)
    opened = checkpoint(part, shapes, data.draw(st.just(small.METADATA) | METADATA))
    if not is_refused(opened, part):
        config = build.config_of(opened, part)
        assert build.expected_shapes(part, config) == shapes


@pytest.mark.parametrize("part", sorted(set(small.CONFIGS) - {"localizer", "vae"}))
def test_a_number_without_end_is_no_block(part):
    shapes = small.part_shapes(part)
    stem = next(name.split(".0.")[0] for name in shapes if ".0." in name)
    assert not is_refused(checkpoint(part, {**shapes, f"{stem}.{'9' * 5000}.weight": (1,)}), part)


@pytest.mark.parametrize("kind", [layouts.GENERATOR, layouts.DYNAMICRAFTER])
@pytest.mark.parametrize("odd", [(), (0,), (1,), (1, 0, 2), (1, 1, 1, 1, 1)], ids=str)
def test_odd_latents_are_refused_at_once_and_can_be_converted(tmp_path, kind, odd):
    """The converter takes every file, and says of it only what it knows."""
    state = small.filled({**small.whole_shapes(kind), "image_proj_model.latents": odd})
    with pytest.raises(CheckpointUnknownError, match="image projection"):
        open_tensors(state)
    torch.save(state, tmp_path / "x.pt")
    convert(tmp_path / "x.pt", tmp_path / "x.safetensors")
    assert read_file(tmp_path / "x.safetensors").metadata == {"format": "pt"}
    assert load_file(tmp_path / "x.safetensors").keys() == state.keys()
