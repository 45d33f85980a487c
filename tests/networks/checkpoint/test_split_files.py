"""The parts of a split file: named as what they are, and joined by the converter."""

import json
import re
import shlex

import pytest
import torch
from keyvid_pack.errors import CheckpointError, CheckpointFileError
from keyvid_pack.models import build
from keyvid_pack.models.checkpoint import layouts
from keyvid_pack.models.checkpoint.checkpoint import open_checkpoint, refuse_kind
from keyvid_pack.models.checkpoint.metadata import metadata_block
from keyvid_pack.models.checkpoint.split_files import split_file_of
from keyvid_pack.released import convert as tool
from keyvid_pack.released.convert import convert
from safetensors.torch import load_file, save_file

from ...helpers import small_checkpoint as small
from ...helpers.weight_files import same_tensors, save_training_file

USUAL = "model-{:05}-of-{:05}.safetensors"


def write_parts(folder, state, name=USUAL, n_parts=2, *, save=save_file):
    """The files of a state dict that is split by the order of its names; name: with {} for number and total."""
    names, paths = sorted(state), []
    size = -(-len(names) // n_parts)
    for number in range(1, n_parts + 1):
        part = {one: state[one] for one in names[(number - 1) * size : number * size]}
        paths.append(folder / name.format(number, n_parts))
        save(part, paths[-1])
    return paths


def write_list(path, parts):
    """The list that is published beside the parts."""
    weights = {f"tensor {number}": part.name for number, part in enumerate(parts)}
    path.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": weights}))
    return path


@pytest.fixture(scope="module")
def generator():
    return small.filled(small.whole_shapes())


@pytest.fixture(scope="module")
def localizer():
    return small.filled(small.part_shapes("localizer"))


@pytest.mark.parametrize(
    "name",
    [
        USUAL,
        "diffusion_pytorch_model.fp16-{:05}-of-{:05}.safetensors",
        "model-{:05}-of-{:05}.fp16.safetensors",
        "MODEL-{:05}-OF-{:05}.SAFETENSORS",
        "model_{}_of_{}.sft",
        "my model (v1.0) {}-of-{}.safetensors",
        "{:05}-of-{:05}.safetensors",
    ],
)
def test_parts_are_known_by_their_names(tmp_path, name):
    split = split_file_of(tmp_path / name.format(2, 3))
    assert split.names == split.missing == tuple(name.format(i, 3) for i in (1, 2, 3))


@pytest.mark.parametrize(
    "name",
    [
        "model.safetensors",
        "model-00001-of-00001.safetensors",
        "model-00003-of-00002.safetensors",
        "best_of_3.safetensors",
        "one-of-two.safetensors",
        "00001-of-00002",
    ],
)
def test_other_names_are_no_parts(tmp_path, name):
    assert split_file_of(tmp_path / name) is None


def test_parts_are_counted_from_0_too(tmp_path):
    for number in range(2):
        (tmp_path / USUAL.format(number, 2)).touch()
    for number in range(2):
        split = split_file_of(tmp_path / USUAL.format(number, 2))
        assert split.names == (USUAL.format(0, 2), USUAL.format(1, 2)) and not split.missing


def test_a_list_beside_them_names_the_parts(tmp_path):
    parts = [tmp_path / f"{name}.safetensors" for name in ("first half", "second half")]
    index = write_list(tmp_path / "model.safetensors.index.json", parts)
    for path in (*parts, index):
        assert split_file_of(path).names == tuple(part.name for part in parts)
    assert split_file_of(tmp_path / "another.safetensors") is None


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"weight_map": 3}', '{"weight_map": {"a": 1, "b": 2}}', '{"weight_map": {"a": "x"}}',
     '{"weight_map": {"a": "x.safetensors", "b": "../y.safetensors"}}',
     '{"weight_map": {"a": "x.safetensors", "b": "/etc/y"}}', '{"weight_map": {"a": ["x"], "b": "y"}}'],
)  # fmt: skip
def test_a_list_that_is_none_is_not_believed(tmp_path, text):
    (tmp_path / "x.safetensors.index.json").write_text(text)
    assert split_file_of(tmp_path / "x.safetensors") is None
    with pytest.raises(CheckpointFileError, match="does not list the parts"):
        convert(tmp_path / "x.safetensors.index.json", tmp_path / "y.safetensors")


# --- what is said of a part


def opened(path):
    """Opens a file as the loaders do: every part of it, so that whatever is missing shows."""
    checkpoint = open_checkpoint(path)
    for part in checkpoint.layout.parts:
        build.check_part(checkpoint, part)
    refuse_kind(checkpoint, "a paper boat", "Fold one.")


@pytest.mark.parametrize("n_parts", [2, 3, 5])
@pytest.mark.parametrize("which", ["generator", "localizer"])
def test_every_part_is_said_to_be_one_with_what_to_do(tmp_path, request, which, n_parts):
    state = request.getfixturevalue(which)
    parts = write_parts(tmp_path, state, n_parts=n_parts)
    for number, path in enumerate(parts, start=1):
        with pytest.raises(CheckpointError) as refusal:
            opened(path)
        said = str(refusal.value)
        assert said.startswith(f"{path.name} is part {number} of {n_parts} of a split file")
        words = shlex.split(re.search(r"python dev.py convert (.*)\. Then press R", said)[1])
        assert words == [str(path), str(tmp_path / "model.safetensors")]
        assert "missing" not in said
    convert(*words)
    assert same_tensors(load_file(tmp_path / "model.safetensors"), state)
    parts[0].unlink()
    with pytest.raises(CheckpointError, match=f"missing parts .*{parts[0].name}.*model_joined"):
        opened(parts[1])


def test_a_part_that_holds_all_that_is_asked_for_serves(tmp_path, generator):
    """The name of a file is no reason to refuse what is in it."""
    path = tmp_path / USUAL.format(1, 2)
    save_file(generator, path, metadata=metadata_block(small.METADATA))
    checkpoint = open_checkpoint(path)
    for part in checkpoint.layout.parts:
        build.check_part(checkpoint, part)


PARTS = {
    "a localizer's audio tower": ("localizer", lambda name: name.startswith("imagebind"), "a part of a KeyVID"),
    "a localizer's head": ("localizer", lambda name: not name.startswith("imagebind"), None),
    "the audio tower": ("generator", lambda name: name.startswith("imagebind_model."), "a part of a KeyVID file"),
    "its biases": ("generator", lambda name: "imagebind_model" in name and "bias" in name, "a part of a KeyVID file"),
    "half a network": ("generator", lambda name: "input_blocks" in name, "a part of a KeyVID or DynamiCrafter file"),
    "vision": ("generator", lambda name: name.startswith("embedder."), "a part of a KeyVID or DynamiCrafter file"),
    "most of it": ("generator", lambda name: "output_blocks" not in name, "is incomplete"),
}  # fmt: skip


@pytest.mark.parametrize("case", PARTS)
def test_a_part_under_another_name_is_recognised_by_what_it_lacks(tmp_path, request, case):
    which, kept, said = PARTS[case]
    state = {name: value for name, value in request.getfixturevalue(which).items() if kept(name)}
    assert state
    save_file(state, tmp_path / "x.safetensors", metadata=metadata_block(small.METADATA))
    with pytest.raises(CheckpointError) as refusal:
        opened(tmp_path / "x.safetensors")
    found = str(refusal.value)
    assert not re.search(r"\ba [AEIOU]", found) and "none that" not in found
    if said:
        assert said in found and "join them with `python dev.py convert`" in found


@pytest.mark.parametrize("kind", layouts.TITLES)
def test_kinds_have_the_right_article(kind):
    said = layouts.A_FILE[kind]
    assert layouts.TITLES[kind] in said
    assert not re.match(r"a [AEIOU]|an [^AEIOU]", said)
    assert said.startswith("a ") == layouts.TITLES[kind].startswith("KeyVID")


# --- joining


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("source", [0, 1, 2, "list"])
def test_the_parts_become_one_file(tmp_path, generator, source, half):
    parts = write_parts(tmp_path, generator, n_parts=3)
    index = write_list(tmp_path / "model.safetensors.index.json", parts)
    target = tmp_path / "whole.safetensors"
    result = convert(index if source == "list" else parts[source], target, half=half)
    assert result.kind == layouts.GENERATOR and result.n_tensors == len(generator)
    expected = {name: value.half() if half else value for name, value in generator.items()}
    assert same_tensors(load_file(target), expected)


def test_parts_of_a_training_file_are_joined_too(tmp_path, generator):
    parts = write_parts(
        tmp_path,
        generator,
        "pytorch_model-{:05}-of-{:05}.bin",
        save=lambda state, path: save_training_file(path, state),
    )
    convert(parts[1], tmp_path / "whole.safetensors", prune=True)
    assert open_checkpoint(tmp_path / "whole.safetensors").kind == layouts.GENERATOR


def test_what_the_parts_say_of_themselves_is_kept(tmp_path, generator):
    block = metadata_block(small.METADATA)
    parts = write_parts(
        tmp_path, generator, save=lambda state, path: save_file(state, path, metadata=block)
    )
    convert(parts[0], tmp_path / "whole.safetensors")
    opened_file = open_checkpoint(tmp_path / "whole.safetensors")
    assert opened_file.metadata == small.METADATA or not opened_file.metadata.published


def test_parts_that_do_not_belong_together_are_not_joined(tmp_path):
    one, two = (tmp_path / USUAL.format(number, 2) for number in (1, 2))
    save_file({"a": torch.ones(2)}, one)
    with pytest.raises(CheckpointFileError, match=f"missing: {two.name}"):
        convert(one, tmp_path / "x.safetensors")
    save_file({"a": torch.zeros(2)}, two)
    with pytest.raises(CheckpointFileError, match="both hold a"):
        convert(one, tmp_path / "x.safetensors")
    with pytest.raises(CheckpointFileError, match="made from"):
        convert(one, two, force=True)
    two.write_bytes(b"")
    with pytest.raises(CheckpointFileError, match=f"{two.name} is empty"):
        convert(one, tmp_path / "x.safetensors")
    assert not (tmp_path / "x.safetensors").exists()


def test_numbers_that_count_something_else_do_not_join(tmp_path):
    """epoch_1_of_2 and epoch_2_of_2 may be two states of one network."""
    for number in (1, 2):
        path, target = tmp_path / f"epoch_{number}_of_2.safetensors", tmp_path / "x.safetensors"
        save_file({"a": torch.full((2,), float(number))}, path)
        for _ in ("alone", "beside the other"):
            convert(path, target, force=True)
            assert same_tensors(load_file(target), {"a": torch.full((2,), float(number))})


def test_the_command_does_not_know_such_a_file(tmp_path, capsys):
    save_file({"a": torch.ones(2)}, tmp_path / "x.safetensors")
    assert tool.main(tmp_path / "x.safetensors", tmp_path / "y.safetensors") == 0
    assert "This is: a file that KeyVID does not know" in capsys.readouterr().out


def test_numbers_of_parts_may_have_no_zeros_in_front(tmp_path):
    names = [f"model-{number}-of-12.safetensors" for number in range(1, 13)]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    for name in ("model-3-of-12.safetensors", "model-10-of-12.safetensors"):
        split = split_file_of(tmp_path / name)
        assert list(split.names) == names and split.missing == ()


def test_a_name_that_only_looks_like_a_part_keeps_the_true_error(tmp_path):
    path = tmp_path / "style_1_of_3.safetensors"
    save_file({"lora_up.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(CheckpointError) as plain:
        other = tmp_path / "style.safetensors"
        save_file({"lora_up.weight": torch.zeros(2, 2)}, other)
        open_checkpoint(other)
    with pytest.raises(CheckpointError, match="By its name") as error:
        open_checkpoint(path)
    assert str(error.value).startswith(str(plain.value))
