"""Clips shared between servers that come and go: each is there once in the end, and none is queued twice."""

import contextlib
import json
import socket
import threading

import pytest
from keyvid_pack.errors import KeyVIDError
from keyvid_pack.tools.batch import command, connection, runner
from keyvid_pack.tools.batch.graph import identity
from keyvid_pack.tools.batch.store import open_store

from ...helpers.graphs.fake_comfyui import running_fake, video_of


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(connection, "GONE_AFTER_S", 0.3)
    monkeypatch.setattr(connection, "RETRY_S", 0.02)
    monkeypatch.setattr(runner, "POLL_S", 0.005)


def make_jobs(tmp_path, n=12, **special):
    file = tmp_path / "a.png"
    file.write_bytes(b"an image")
    graphs = {}
    for number in range(n):
        text = special.get(f"c{number}", f"clip {number}")
        graphs[f"c{number}"] = {
            "p": {
                "class_type": "X",
                "inputs": {"text": text, "n": number},
                "_meta": {"title": "Prompt"},
            }
        }
    return [runner.Job(name, identity(g), g, {"a.png": file}) for name, g in graphs.items()]


def run(jobs, urls, folder):
    """Make what is left of the jobs; (Work, what was said)."""
    said = []
    with open_store(folder) as store:
        left = [job for job in jobs if store.done.get(job.name) != job.identity]
        openers = [lambda url=url: runner.at(url) for url in urls]
        return runner.run_jobs(left, openers, store, said.append), said


@contextlib.contextmanager
def refusing():
    """The address of a port that is ours and at which nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def queue_there(url, store, *jobs):
    for job in jobs:
        connection.Connection(url).queue(job.graph, store.prompt_id(job.identity))


def check_all_there(jobs, folder):
    assert {p.stem for p in folder.glob("*.mp4")} == {job.name for job in jobs}
    for job in jobs:
        assert (folder / f"{job.name}.mp4").read_bytes() == video_of(job.graph)
    assert not list(folder.glob("*.part"))


def made(folder):
    lines = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
    return [line["name"] for line in lines if not line["error"]]


def test_three_servers_make_each_clip_once(tmp_path):
    jobs, out = make_jobs(tmp_path), tmp_path / "out"
    with (
        running_fake() as (a, one, _),
        running_fake() as (b, two, _),
        running_fake() as (c, three, _),
    ):
        work, _ = run(jobs, [a, b, c], out)
        assert one.n_runs + two.n_runs + three.n_runs == len(jobs) == work.n_done
        assert b"an image" in (one.uploads + two.uploads + three.uploads)[0]
    check_all_there(jobs, out)
    assert sorted(made(out)) == sorted(job.name for job in jobs)


def test_a_server_that_ends_midway_loses_no_clip(tmp_path):
    """It has taken a clip, and never answers again. The other one, which waits for that, makes them all."""
    jobs, out = make_jobs(tmp_path), tmp_path / "out"
    with running_fake(holds=True) as (a, one, end), running_fake(holds=True) as (b, two, _):

        def end_when_it_has_one():
            assert one.has_queued.wait(600)
            end()
            two.may_run.set()

        thread = threading.Thread(target=end_when_it_has_one)
        thread.start()
        work, said = run(jobs, [a, b], out)
        thread.join()
        assert len(one.queued) == 1 and two.n_runs == len(jobs)
    check_all_there(jobs, out)
    assert sorted(made(out)) == sorted(job.name for job in jobs)
    assert any("goes to another server" in line for line in said) and work.n_failed == 0


def test_after_a_crash_what_a_server_still_makes_is_waited_for(tmp_path):
    """Queued by a batch that crashed: the next one finds it by its id, on the server that has it.

    That server goes on when the other one has made the rest, so it takes none of the rest.
    """
    jobs, out = make_jobs(tmp_path, n=4), tmp_path / "out"
    with running_fake() as (a, one, _), running_fake(holds=True) as (b, two, _):
        with open_store(out) as store:
            queue_there(b, store, jobs[3], jobs[1])

        def say(line):
            if line.startswith("  2 of 4"):
                two.may_run.set()

        with open_store(out) as store:
            openers = [lambda url=url: runner.at(url) for url in (a, b)]
            runner.run_jobs(jobs, openers, store, say)
        assert (one.n_runs, two.n_runs) == (2, 2)
    check_all_there(jobs, out)


def test_no_clip_is_handed_out_before_every_server_has_said_what_it_has(tmp_path):
    jobs = make_jobs(tmp_path, n=4)
    with open_store(tmp_path / "out") as store:
        ids = [store.prompt_id(job.identity) for job in jobs]
        work = runner.Work(jobs, store, lambda _line: None, running=range(3))
        work.keep_for(1, {ids[3], ids[1]})
        work.keep_for(0, {ids[1]})  # two have it: the first makes it
        taken = []
        thread = threading.Thread(target=lambda: taken.append(work.take(0)), daemon=True)
        thread.start()
        thread.join(0.05)
        assert taken == []
        work.leave(2)  # gone: it has nothing to say
        thread.join(600)
        assert [*taken, work.take(0)] == [jobs[0], jobs[2]]
        assert work.take(1) == jobs[1]
        work.leave(1)
        assert work.take(0) == jobs[3]


def test_the_last_clip_is_found_on_the_second_server(tmp_path, capsys):
    """One clip was left, and of two servers only the first was asked, which made it a second time."""
    (job,), out = make_jobs(tmp_path, n=1), tmp_path / "out"

    def none_is_needed():
        raise AssertionError("a server was started")

    with running_fake() as (a, one, _), running_fake() as (b, two, _), open_store(out) as store:
        queue_there(b, store, job)
        openers = [lambda url=url: runner.at(url) for url in (a, b)]
        assert command._make([job], store, openers, []) == 0
        assert (one.n_runs, two.n_runs) == (0, 1)
        assert command._make([job], store, openers, [none_is_needed]) == 0
    check_all_there([job], out)


def test_no_more_servers_are_started_than_there_are_clips(tmp_path):
    jobs, out, n_started = make_jobs(tmp_path, n=2), tmp_path / "out", []
    with running_fake() as (a, one, _), open_store(out) as store:

        def start():
            n_started.append(1)
            return runner.at(a)

        work = runner.run_jobs(jobs, [], store, lambda _line: None, started=[start] * 5)
        assert (len(n_started), work.n_done, one.n_runs) == (2, 2, 2)


def test_what_is_no_comfyui_is_left_out_and_named(tmp_path):
    """A proxy's page, with status 200, ended the batch with a JSONDecodeError."""
    jobs, out = make_jobs(tmp_path, n=3), tmp_path / "out"
    with (
        running_fake(page=b"<html>sign in</html>") as (a, _, _),
        running_fake(page=b"[1]") as (b, _, _),
        running_fake(page=b'{"status": "ok", "queue_running": 1}') as (c, _, _),
        running_fake() as (d, four, _),
    ):
        work, said = run(jobs, [a, b, c, d], out)
    assert work.n_done == four.n_runs == 3
    for url in (a, b, c):
        assert any(f"left out: {url} does not answer as ComfyUI does" in line for line in said)


@pytest.mark.parametrize("address", ["127.0.0.1:8188", "http://", "ftp://a"])
def test_what_is_no_address_is_refused_at_once(tmp_path, capsys, address):
    with pytest.raises(SystemExit):
        command.main(str(tmp_path / "clips.csv"), "--server", address)
    assert f"{address} is no address of a server." in capsys.readouterr().err


def test_called_again_it_makes_only_what_is_missing_or_has_changed(tmp_path):
    jobs, out = make_jobs(tmp_path, n=5), tmp_path / "out"
    with running_fake() as (a, one, _):
        run(jobs, [a], out)
        (out / "c2.mp4").unlink()  # lost; its server still has it
        changed = make_jobs(tmp_path, n=5, c4="other words")
        run(changed, [a], out)
        assert one.n_runs == 6
        check_all_there(changed, out)
    with (out / "records.jsonl").open("ab") as file:
        file.write(b'{"name": "c0", "ident')  # a crash within a line
    with refusing() as url:
        work, said = run(changed, [url], out)
    assert work.n_total == 0 and said == []  # nor is a server asked


def test_a_clip_that_fails_says_why_and_is_tried_again_the_next_time(tmp_path):
    jobs, out = make_jobs(tmp_path, n=4, c1="bad", c2="refused"), tmp_path / "out"
    with running_fake(fails=["bad"]) as (a, one, _):
        work, said = run(jobs, [a], out)
        assert (work.n_done, work.n_failed) == (2, 2)
        assert any("c1  Prompt: It cannot be painted." in line for line in said)
        assert any("c2  Prompt: The value is too large (n_frames)" in line for line in said)
        one.fails.clear()
        work, _ = run(jobs, [a], out)
        assert (work.n_done, work.n_failed) == (1, 1)
    assert sorted(p.name for p in out.glob("*.mp4")) == ["c0.mp4", "c1.mp4", "c3.mp4"]


def test_without_a_server_the_rest_stays_to_be_done(tmp_path):
    jobs, out = make_jobs(tmp_path, n=3), tmp_path / "out"
    with refusing() as url:
        work, said = run(jobs, [url], out)
    assert (work.n_done, work.n_failed, len(work.waiting)) == (0, 0, 3)
    assert "left out" in said[0]


def test_a_clip_over_which_servers_end_is_left_alone(tmp_path):
    """Two servers end with it; the third makes all others."""
    jobs, out = make_jobs(tmp_path, n=3), tmp_path / "out"
    with open_store(out) as store:
        work = runner.Work(jobs, store, lambda _line: None)
        first = work.take(0)
        work.give_back(first, "gone", server="a", seconds=1)
        assert work.take(1) == first
        work.give_back(first, "gone", server="b", seconds=1)
        assert work.n_failed == 1 and first not in work.waiting
    with running_fake() as (a, one, _):
        work, _ = run(jobs, [a], out)
        assert work.n_done == 3  # called again, it is tried again


def test_a_full_disk_stops_everything_with_its_reason(tmp_path, monkeypatch):
    jobs, out = make_jobs(tmp_path, n=6), tmp_path / "out"

    def full(*_, **__):
        raise OSError("no space left")

    with running_fake() as (a, _, _), running_fake() as (b, _, _):
        monkeypatch.setattr(runner.Store, "keep", full)
        with pytest.raises(KeyVIDError, match="no space left"):
            run(jobs, [a, b], out)


def test_results_have_a_whole_path_wherever_a_server_runs(tmp_path, monkeypatch):
    """A server started in a folder below it looked for the same path once more below that."""
    monkeypatch.chdir(tmp_path)
    with open_store("out") as store:
        assert store.folder == tmp_path / "out"


def test_two_batches_do_not_share_a_folder(tmp_path):
    with open_store(tmp_path), pytest.raises(KeyVIDError, match="Another batch"):
        with open_store(tmp_path):
            pass
