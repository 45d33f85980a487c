"""Two processes on a CPU compute what one does: whole networks in each (DDP), and networks shared out (FSDP)."""

import csv

import pytest
import torch
from keyvid_pack.training.engine.state import load_state
from keyvid_pack.training.full_size import command, launch, options

from ...helpers.real_videos import full_training

RATE = 1e-4
N_STEPS = 2


def words_of(network, data, sources, folder, *words):
    """The words of a training of two steps of four examples."""
    sizes = () if network == "localizer" else ("--dropout", "0", *full_training.SIZE)
    plain = ("--examples", "4", "--at-once", "2", "--steps", str(N_STEPS), "--log-every", "1")
    how = ("--workers", "0", "--cpu", "--learning-rate", str(RATE), "--precision", "fp32")
    where = ("--state-dir", str(folder), "--from", *map(str, sources))
    return [network, str(data), *sizes, *plain, *how, *words, *where]


def run(n_processes, *arguments):
    """In one process it is this one, whose start is saved."""
    words = words_of(*arguments)
    if n_processes == 1:
        assert command.main(*words) == 0
    else:
        assert launch.start(words, n_processes=n_processes) == 0


def rows(folder, network):
    path = folder / f"full_{network}" / "log.csv"
    return [
        {name: float(value) for name, value in row.items() if name != "seconds"}
        for row in csv.DictReader(path.open())
    ]


@pytest.fixture(scope="module")
def alone(start_files, data, tmp_path_factory):
    """The folder of trainings by one process."""
    folder = tmp_path_factory.mktemp("one")
    run(1, "generator", data, start_files, folder)
    run(1, "localizer", data, start_files[1:], folder)
    return folder


@pytest.mark.parametrize(
    ("network", "words"), [("generator", ()), ("generator", ("--fsdp",)), ("localizer", ())]
)
def test_two_processes_are_one(alone, start_files, data, tmp_path, network, words):
    files = start_files[1:] if network == "localizer" else start_files
    run(2, network, data, files, tmp_path, *words)
    one, two = rows(alone, network), rows(tmp_path, network)
    assert [row["step"] for row in one] == [row["step"] for row in two] == [1, 2]
    for ours, theirs in zip(one, two, strict=True):
        # the log has six digits; after the first step weights differ as below
        assert ours == pytest.approx(theirs, rel=2e-4)
    states = [load_state(folder / f"full_{network}") for folder in (alone, tmp_path)]
    assert states[0]["model"].keys() == states[1]["model"].keys()
    # Adam moves a weight by the rate at most, in the direction of a gradient whose sign is rounding where it is zero
    for name, tensor in states[0]["model"].items():
        off = (tensor - states[1]["model"][name]).abs().max()
        assert off <= 2.1 * RATE * N_STEPS, name


def test_a_training_of_one_process_goes_on_in_two(start_files, data, tmp_path):
    run(1, "generator", data, start_files, tmp_path, "--steps", "1")
    first = load_state(tmp_path / "full_generator")
    assert first["step"] == 1
    run(2, "generator", data, start_files, tmp_path, "--fsdp")
    last = load_state(tmp_path / "full_generator")
    assert last["step"] == N_STEPS
    assert not torch.equal(
        first["model"]["resampler.proj_in.weight"], last["model"]["resampler.proj_in.weight"]
    )


def test_where_one_process_fails_all_end(start_files, data, tmp_path, capfd):
    words = words_of("generator", data, start_files, tmp_path, "--keyframes", "nothing")
    assert launch.start(words, n_processes=2) != 0
    assert "nothing" in capfd.readouterr().err


def test_machines_need_an_address():
    with pytest.raises(launch.KeyVIDError, match="--address HOST:PORT"):
        launch.start([], n_processes=1, machine=(1, 2))
    with pytest.raises(launch.KeyVIDError, match='"here" is no address'):
        launch.start([], n_processes=1, machine=(1, 2), address="here")


def test_the_published_settings_are_the_defaults():
    wanted = options.read_options(["generator", "ROOT", "--from", "FILE"])
    assert (wanted.height, wanted.width, wanted.count) == (320, 512, 12)
    assert (options.EXAMPLES, options.STEPS, options.RATE) == (8 * 2 * 4, 100_000, 1e-5)
    assert (wanted.seed, wanted.dropout, wanted.keyframes) == (20230211, 0.1, "published")
