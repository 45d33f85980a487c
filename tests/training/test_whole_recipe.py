"""`train all`: every stage once, in order, within its minutes, going on where it was stopped."""

import importlib

import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.training import command, whole_recipe
from keyvid_pack.training.engine.state import load_state
from keyvid_pack.training.tasks import TASKS
from keyvid_pack.training.whole_recipe import DATA, FILE_NAME, SHARES, train_all


@pytest.fixture
def runs(monkeypatch):
    """The stages as they were run, (name, minutes); those named in `stopped` do not come to their end."""
    made, stopped = [], set()

    def train_within(task, *, minutes, state_dir, **options):
        made.append((task, minutes))
        return task not in stopped

    for name in TASKS:
        module = importlib.import_module(f"keyvid_pack.training.tasks.{name}")
        monkeypatch.setattr(module, "make_task", lambda folder, report, name=name: name)
    monkeypatch.setattr(whole_recipe, "train_within", train_within)
    monkeypatch.setattr(whole_recipe, "ensure_vae", lambda folder: made.append(("freeze", None)))
    monkeypatch.setattr(
        whole_recipe, "make_clips_for", lambda folder, *, minutes, **_: made.append((DATA, minutes))
    )
    monkeypatch.setattr(
        whole_recipe, "export", lambda name, **_: made.append((f"export {name}", None))
    )
    monkeypatch.setattr(whole_recipe, "write_checksums", lambda folder: None)
    return made, stopped


def report(done, total):
    pass


def test_stages_are_every_training_and_share_all_of_the_time():
    assert [name for name in SHARES if name != DATA] == list(TASKS)
    assert sum(SHARES.values()) == pytest.approx(1)


def test_every_stage_runs_once_and_in_order(runs, tmp_path):
    made, _ = runs
    assert train_all(tmp_path, minutes=100, report=report)
    names = [name for name, _ in made]
    assert names.index("freeze") == names.index(DATA) - 1  # the VAE is trained, then frozen
    assert [name for name in names if name in SHARES] == list(SHARES)
    assert [name for name in names if name.startswith("export")] == [
        f"export {name}" for name in whole_recipe.FILES
    ]
    assert dict(made)["generator"] == pytest.approx(100 * SHARES["generator"])


def test_a_stopped_stage_goes_on_and_none_is_done_twice(runs, tmp_path):
    made, stopped = runs
    stopped.add("audio")
    assert not train_all(tmp_path, minutes=100, report=report)
    assert made[-1][0] == "audio"  # nothing after it, no weights either
    stopped.clear()
    assert train_all(tmp_path, minutes=5, report=report)  # the minutes it was begun with count
    assert [name for name, _ in made].count("vae") == 1
    assert [name for name, _ in made].count("audio") == 2
    assert dict(made)["generator"] == pytest.approx(100 * SHARES["generator"])


def test_a_damaged_file_is_refused(runs, tmp_path):
    (tmp_path / FILE_NAME).write_text("{}")
    with pytest.raises(KeyVIDError, match=r"all\.json cannot be read"):
        train_all(tmp_path, minutes=1, report=report)


def test_it_asks_for_minutes(tmp_path, caplog):
    assert command.main("all", "--state-dir", str(tmp_path)) == 1
    assert "add --minutes" in caplog.text
    assert load_state(tmp_path / "vae") is None
