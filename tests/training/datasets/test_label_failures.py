"""`python dev.py label` where its processes, disks and other calls of it fail; and on many machines."""

import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.released.lock import alone
from keyvid_pack.training.datasets import label, workers

from ...helpers.real_videos import files, labels


def test_a_process_that_ends_over_a_file_takes_no_other_work_with_it(tmp_path):
    """Jobs for a module that ends its process at one of them."""
    jobs = [{"path": str(i), "curve": "", "keep": False} for i in range(4)]
    jobs[1]["path"] = None  # no path: the process ends over it
    answers = {a.job["path"]: a for a in workers.work_on(jobs, [label.WORKER], n_processes=1)}
    assert set(answers) == {"0", None, "2", "3"}
    assert answers[None].result is None and answers[None].exit_code
    for path in ("0", "2", "3"):
        assert "cannot be read" in answers[path].result["problem"]
    assert "ended the program" in label._findings(answers[None]).problem


def test_a_video_whose_process_ended_is_looked_at_again(root, here, monkeypatch, caplog):
    """A process can end for want of memory: that says nothing of the video, and is no success either."""
    in_this_process = label.work_on

    def work_on(jobs, command, *, n_processes):
        for answer in in_this_process(jobs, command, n_processes=n_processes):
            ended = "2.v1" in answer.job["path"]
            yield workers.Answer(answer.job, None, -9) if ended else answer

    for words in ((), ("--check",)):
        with monkeypatch.context() as patch:
            patch.setattr(label, "work_on", work_on)
            assert label.main(str(root), *words) == 1
    record = labels.records_of(root)["cat_0/2.v1"]
    assert record["method"] == label.CRASHED and "exit code -9" in record["problem"]
    assert label.main(str(root)) == 0
    record = labels.records_of(root)["cat_0/2.v1"]
    assert (record["method"], record["problem"]) == (label.FLOW, "")


def test_a_curve_that_cannot_be_written_is_no_fault_of_its_video(tmp_path):
    """The disk's error reaches the caller as a sentence, through the process that met it."""
    files.write_world_video(tmp_path / "a.mp4", 3)
    (tmp_path / "file").write_bytes(b"")
    curve = str(tmp_path / "file" / "a.npy")  # below a file is no folder
    jobs = [{"path": str(tmp_path / "a.mp4"), "curve": curve, "keep": False}]
    with pytest.raises(KeyVIDError, match=r"Errno.*file"):
        list(workers.work_on(jobs, [label.WORKER], n_processes=1))


def test_a_disk_that_cannot_be_written_is_said(root, here, monkeypatch, caplog):
    def no_disk(_path, _record):
        raise OSError("no space left")

    monkeypatch.setattr(label, "add_record", no_disk)
    assert label.main(str(root)) == 1
    assert "no space left" in caplog.text


def test_looking_needs_no_network(root, monkeypatch, tmp_path):
    """--check measures nothing, so a wrong file of RAFT must not end its processes."""
    commands = []
    monkeypatch.setattr(
        label, "work_on", lambda _jobs, command, **_: commands.append(command) or []
    )
    raft = str(tmp_path / "typo.pth")
    assert label.main(str(root), "--check", "--raft", raft) == 0
    monkeypatch.setattr(label, "open_raft", lambda _path: None)
    assert label.main(str(root), "--raft", raft) == 0
    assert commands == [[label.WORKER], [label.WORKER, raft]]


def test_fewer_than_one_process_is_refused(root, capsys):
    for n in ("-1", "0"):
        with pytest.raises(SystemExit):
            label.main(str(root), "--processes", n)
        assert f"{n} processes can do nothing" in capsys.readouterr().err
    with pytest.raises(KeyVIDError, match="-1 processes"):
        list(workers.work_on([{}], [], n_processes=-1))


def test_a_process_that_cannot_be_started_ends_the_wait(monkeypatch):
    def no_memory(_command):
        raise OSError("no memory for another process")

    monkeypatch.setattr(workers, "_start", no_memory)
    with pytest.raises(OSError, match="no memory"):
        list(workers.work_on([{}, {}], [], n_processes=2))


def test_two_calls_do_not_write_one_report(root, here, caplog):
    with alone(root, KeyVIDError(), name="keyvid_labels_train.lock"):
        assert label.main(str(root)) == 1
        assert "Another call of label is writing" in caplog.text
        assert not list(root.rglob("*.npy"))
        assert label.main(str(root), "--share", "1/2", "--check") == 0  # has a report of its own
    assert label.main(str(root)) == 0


def test_shares_know_of_each_others_curves(root, here, monkeypatch, caplog):
    """Methods are not mixed across shares, and no share takes another's curve for one that was given."""
    assert label.main(str(root), "--share", "1/2") == 0
    monkeypatch.setattr(label, "open_raft", lambda _path: None)
    assert label.main(str(root), "--share", "2/2", "--raft", "raft.pth") == 1
    assert "keyvid_labels_train_1-of-2.jsonl and the curves" in caplog.text
    video = labels.usable_videos(root)["cat_0/0.v1"]
    before = video.curve_path.read_bytes()
    files.write_world_video(video.path, 77, scene="drum")
    assert label.main(str(root)) == 0
    assert labels.records_of(root)[video.name]["method"] == label.FLOW
    assert video.curve_path.read_bytes() != before


def test_each_line_of_a_list_that_names_no_video_is_reported_by_one_share(tmp_path, here):
    for name in "ab":
        path = tmp_path / "videos" / "cat" / f"{name}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"no video")
    names = ["cat/a.mp4", "cat/b.mp4", *(f"cat/lost {i}.mp4" for i in range(3))]
    (tmp_path / "train.txt").write_text("\n".join(names), encoding="utf-8")
    lines = []
    for share in ("1/2", "2/2"):
        assert label.main(str(tmp_path), "--share", share) == 0
    for report in tmp_path.glob("*.unusable.txt"):
        lines += report.read_text("utf-8").splitlines()
    lost = sorted(line.partition(":")[0] for line in lines if "no such file" in line)
    assert lost == names[2:]
