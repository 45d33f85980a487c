"""A training that fits into its minutes and goes on as it was begun."""

import json

import pytest
import torch
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.training.engine import budget
from keyvid_pack.training.engine.budget import MEASURED_STEPS, read_budget, train_within
from keyvid_pack.training.engine.loop import Task
from torch import nn


class Clock:
    """Stands in for the time module: a step takes step_s."""

    def __init__(self, step_s):
        self.now_s, self.step_s = 0.0, step_s

    def monotonic(self):
        return self.now_s


def line_task(clock, *, stop_at=None, folder=None):
    net = nn.Linear(1, 1)

    def batch(step, rng):
        clock.now_s += clock.step_s
        if step == stop_at:
            raise KeyboardInterrupt
        return torch.from_numpy(rng.normal(size=(4, 1)).astype("float32"))

    return Task(
        name="line",
        modules={"net": net},
        batch=batch,
        loss=lambda x, generator: (net(x).square().mean(), {}),
        learning_rate=0.01,
    )


def test_the_rate_comes_down_within_the_minutes(tmp_path, monkeypatch):
    clock = Clock(step_s=0.5)
    monkeypatch.setattr(budget, "time", clock)
    assert train_within(line_task(clock), minutes=1, state_dir=tmp_path, cpu=True)
    found = read_budget(tmp_path / "line")
    assert (found.first_step, found.decay_steps) == (0, 120)
    assert clock.now_s == pytest.approx(60)


def test_a_stopped_training_goes_on_to_the_same_step(tmp_path, monkeypatch):
    clock = Clock(step_s=0.5)
    monkeypatch.setattr(budget, "time", clock)
    with pytest.raises(KeyboardInterrupt):
        train_within(
            line_task(clock, stop_at=50), minutes=1, state_dir=tmp_path, cpu=True, save_every_s=0
        )
    assert train_within(line_task(clock), minutes=9, state_dir=tmp_path, cpu=True)
    assert read_budget(tmp_path / "line").decay_steps == 120
    assert clock.now_s == pytest.approx(60 + 0.5)  # the step that was interrupted


def test_a_machine_too_slow_for_the_minutes_still_ends(tmp_path, monkeypatch):
    clock = Clock(step_s=1000)
    monkeypatch.setattr(budget, "time", clock)
    assert train_within(line_task(clock), minutes=1, state_dir=tmp_path, cpu=True)
    assert read_budget(tmp_path / "line").decay_steps == MEASURED_STEPS + 1


def test_a_damaged_file_is_refused(tmp_path):
    (tmp_path / "line").mkdir()
    (tmp_path / "line" / budget.FILE_NAME).write_text(json.dumps({"minutes": 3}))
    with pytest.raises(KeyVIDError, match=r"budget\.json cannot be read"):
        train_within(line_task(Clock(1)), minutes=1, state_dir=tmp_path, cpu=True)
