"""The training loop: resuming to the bit, stopping, and what it says and refuses."""

import csv
import os
import signal
from dataclasses import replace

import pytest
import torch
from accelerate.state import AcceleratorState
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.training.engine import average
from keyvid_pack.training.engine.loop import (
    Task,
    learning_rate,
    load_averages,
    step_generators,
    train,
)
from keyvid_pack.training.engine.state import load_state
from torch import nn
from torch.nn import functional


def line_task(**changes):
    """Learn y = 3 x - 1 by a network with dropout, from examples and noise that every step draws anew."""
    torch.manual_seed(7)
    net = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1))

    def batch(step, rng):
        return torch.from_numpy(rng.normal(size=(16, 1)).astype("float32"))

    def loss(x, generator):
        noise = 0.01 * torch.randn(x.shape, generator=generator)
        error = functional.mse_loss(net(x + noise), 3 * x - 1)
        return error, {"twice": 2 * error.detach()}

    task = Task(name="line", modules={"net": net}, batch=batch, loss=loss, learning_rate=0.02)
    return replace(task, warmup_steps=4, **changes)


def run(task, folder, **options):
    return train(task, state_dir=folder, cpu=True, log_every=2, **options)


def flat(state):
    """{path: value} of everything in a state."""
    found = {}

    def walk(value, path):
        if isinstance(value, dict):
            value = value.items()
        elif isinstance(value, (list, tuple)):
            value = enumerate(value)
        else:
            found[path] = value
            return
        for key, item in value:
            walk(item, f"{path}/{key}")

    walk(state, "")
    return found


def test_train_resumes_bit_for_bit(tmp_path):
    whole = line_task(decay_steps=6)
    assert run(whole, tmp_path / "whole", n_steps=6) == 6
    run(line_task(decay_steps=6), tmp_path / "parts", n_steps=3)
    resumed = line_task(decay_steps=6)
    assert run(resumed, tmp_path / "parts", n_steps=6) == 6

    one, two = (flat(load_state(tmp_path / name / "line")) for name in ("whole", "parts"))
    assert one.keys() == two.keys()
    for path, value in one.items():
        same = torch.equal(value, two[path]) if torch.is_tensor(value) else value == two[path]
        assert same, path
    for ours, theirs in zip(
        whole.modules["net"].parameters(), resumed.modules["net"].parameters(), strict=True
    ):
        assert torch.equal(ours, theirs)


def test_step_generators_differ_by_seed_and_step():
    def first(*key):
        rng, generator = step_generators(*key)
        return rng.random(), float(torch.rand(1, generator=generator))

    keys = [(0, 0), (0, 1), (1, 0), (0, 0, 1)]
    assert len({number for key in keys for number in first(*key)}) == 2 * len(keys)
    assert first(3, 5) == first(3, 5)


def test_train_lowers_the_loss(tmp_path):
    run(line_task(), tmp_path, n_steps=120)
    rows = list(csv.DictReader((tmp_path / "line" / "log.csv").open()))
    losses = [float(row["loss"]) for row in rows]
    assert sum(losses[-5:]) < 0.2 * sum(losses[:5])
    assert float(rows[0]["twice"]) == pytest.approx(2 * losses[0], rel=1e-4)
    assert [int(row["step"]) for row in rows] == list(range(2, 121, 2))


def test_micro_batches_average_their_losses(tmp_path):
    seen = []
    task = line_task(micro_batches=3, gradient_clip=1e9)
    task = replace(
        task, loss=lambda x, generator: (seen.append(x) or task.modules["net"][0](x).mean(), {})
    )
    net = task.modules["net"][0]
    with torch.no_grad():
        net.weight.zero_()
    run(replace(task, weight_decay=0.0), tmp_path, n_steps=1)
    assert len(seen) == 3
    row = next(csv.DictReader((tmp_path / "line" / "log.csv").open()))
    # d mean(w x + b) / dw_i = mean(x) / 8 and / db_i = 1 / 8, averaged over the micro batches
    mean = torch.cat(seen).mean()
    expected = (8 * ((mean / 8) ** 2 + (1 / 8) ** 2)) ** 0.5
    assert float(row["gradient_norm"]) == pytest.approx(float(expected), rel=1e-4)


@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.skipif(
    os.name == "nt", reason="os.kill ends a process on Windows instead of asking it"
)
def test_train_saves_on_a_stop_signal(tmp_path, kind):
    task = line_task()
    plain = task.batch

    def batch(step, rng):
        if step == 4:
            os.kill(os.getpid(), kind)
        return plain(step, rng)

    before = signal.getsignal(kind)
    assert run(replace(task, batch=batch), tmp_path, n_steps=100) == 5
    assert load_state(tmp_path / "line")["step"] == 5
    assert signal.getsignal(kind) is before


def test_train_ends_with_the_learning_rate_decay(tmp_path):
    assert run(line_task(decay_steps=3), tmp_path) == 3


def test_bf16_keeps_float32_weights(tmp_path):
    AcceleratorState._reset_state(True)  # one process keeps one precision otherwise
    task, kinds = line_task(), []
    net = task.modules["net"]
    net[0].register_forward_hook(lambda _module, _inputs, output: kinds.append(output.dtype))
    try:
        assert run(task, tmp_path, n_steps=2, mixed_precision="bf16") == 2
    finally:
        AcceleratorState._reset_state(True)
    assert set(kinds) == {torch.bfloat16}
    assert all(parameter.dtype == torch.float32 for parameter in net.parameters())


def test_train_ends_after_its_minutes(tmp_path):
    assert run(line_task(), tmp_path, minutes=0.0) == 1


def test_log_drops_rows_after_the_last_state(tmp_path):
    run(line_task(), tmp_path, n_steps=4)
    path = tmp_path / "line" / "log.csv"
    with path.open("a", newline="") as file:
        file.write(path.read_text().splitlines()[-1].replace("4,", "6,", 1) + "\n")
    run(line_task(), tmp_path, n_steps=8)
    rows = list(csv.DictReader(path.open()))
    assert [int(row["step"]) for row in rows] == [2, 4, 6, 8]
    seconds = [float(row["seconds"]) for row in rows]
    assert seconds == sorted(seconds)


def test_samples_use_the_averages_and_change_nothing(tmp_path):
    task, seen = line_task(), []
    net = task.modules["net"]

    def sample(step, folder):
        assert not net.training and folder.is_dir()
        seen.append((step, net[0].weight.detach().clone()))
        return {"looks": 0.5}

    run(replace(task, sample=sample), tmp_path, n_steps=6, sample_every_s=0)
    assert [step for step, _ in seen] == [1, 2, 3, 4, 5, 6, 6]
    state = load_state(tmp_path / "line")
    assert torch.equal(seen[-1][1], state["averages"]["net"]["0.weight"])
    run(line_task(), tmp_path / "unseen", n_steps=6)
    unseen = load_state(tmp_path / "unseen" / "line")
    assert torch.equal(state["modules"]["net"]["0.weight"], unseen["modules"]["net"]["0.weight"])
    rows = list(csv.DictReader((tmp_path / "line" / "log.csv").open()))
    assert rows[-1]["looks"] == "0.5"


def test_load_averages_gives_averaged_weights(tmp_path):
    run(line_task(), tmp_path, n_steps=5)
    fresh = line_task().modules
    assert load_averages("line", fresh, state_dir=tmp_path) == 5
    saved = load_state(tmp_path / "line")["averages"]["net"]
    assert all(torch.equal(value, saved[key]) for key, value in fresh["net"].state_dict().items())


def test_average_has_its_half_life():
    module = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        module.weight.fill_(1.0)
    averages = average.start({"net": module})
    with torch.no_grad():
        module.weight.fill_(0.0)
    for step in range(10_000, 10_050):
        average.update(averages, {"net": module}, half_life=50, step=step)
    assert float(averages["net"]["weight"]) == pytest.approx(0.5, rel=1e-3)


def test_the_learning_rate_rises_then_falls():
    task = line_task(decay_steps=100)
    rates = [learning_rate(task, step) for step in range(150)]
    assert rates[0] == pytest.approx(0.02 / 4, rel=1e-2)
    assert max(rates) == rates[3] and rates[3] == pytest.approx(0.02, rel=1e-2)
    assert rates[3:] == sorted(rates[3:], reverse=True)
    assert rates[100] == rates[149] == pytest.approx(0.02 * 0.02)
    assert learning_rate(line_task(), 10_000) == 0.02


def test_a_nan_gradient_stops_before_the_weights(tmp_path):
    task = line_task()
    net = task.modules["net"]
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    edge = replace(
        task, loss=lambda x, generator: ((0 * net(x).sum()).sqrt(), {})
    )  # 0 times infinity
    with pytest.raises(KeyVIDError, match="gradient of line is nan at step 0"):
        run(edge, tmp_path, n_steps=3)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert load_state(tmp_path / "line") is None


def test_train_refusals_name_the_remedy(tmp_path):
    with pytest.raises(KeyVIDError, match="give minutes or a number of steps"):
        run(line_task(), tmp_path)
    with pytest.raises(KeyVIDError, match="python dev.py train line"):
        load_averages("line", line_task().modules, state_dir=tmp_path)
    run(line_task(), tmp_path, n_steps=1)
    with pytest.raises(KeyVIDError, match="begun with seed 0, not 1"):
        run(line_task(), tmp_path, n_steps=2, seed=1)
    wider = replace(line_task(), modules={"net": nn.Sequential(nn.Linear(1, 9))})
    with pytest.raises(KeyVIDError, match="another net network than the recipe's"):
        run(wider, tmp_path, n_steps=2)
    nowhere = replace(line_task(), loss=lambda x, generator: (x.sum() * torch.nan, {}))
    with pytest.raises(KeyVIDError, match="is nan at step 1"):
        run(nowhere, tmp_path, n_steps=2)
    assert load_state(tmp_path / "line")["step"] == 1
