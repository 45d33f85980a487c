"""A batch on real ComfyUI servers, one of which is killed midway: every clip is there once, and the same."""

import contextlib
import hashlib
import json
import sys
import threading

import pytest
from keyvid_pack.preview.wav import write_wav
from keyvid_pack.tools import environment, server
from keyvid_pack.tools.batch import command
from keyvid_pack.training.world.clip import render_clip

N_CLIPS = 60
TIMING = environment.ROOT / "workflows" / "api" / "keyvid_timing.json"
IMAGE = environment.ROOT / "workflows" / "media" / "keyvid_world_ball.png"


@pytest.fixture
def clip_list(tmp_path):
    """A list of clips with a sound each, every third with an edit, and the timing workflow with small images."""
    lines = []
    for number in range(N_CLIPS):
        clip = render_clip(number, height=36, width=48)
        write_wav(tmp_path / f"{number}.wav", clip.audio[None], clip.sample_rate)
        line = {"name": f"{clip.scene}/{number}", "sound": f"{number}.wav", "image": str(IMAGE)}
        if number % 3 == 0:
            line["edit"] = f"0, 9, {20 + number % 20}"
        lines.append(json.dumps(line))
    (tmp_path / "list.jsonl").write_text("\n".join(lines))
    graph = json.loads(TIMING.read_text(encoding="utf-8"))
    graph["7"]["inputs"] |= {"width": 256}
    graph["101:4"]["inputs"]["count"] = 0
    (tmp_path / "graph.json").write_text(json.dumps(graph))
    return tmp_path


def batch(folder, out, urls):
    servers = [word for url in urls for word in ("--server", url)]
    workflow = ["--workflow", str(folder / "graph.json")]
    return command.main(str(folder / "list.jsonl"), "--out", str(out), *workflow, *servers)


def hashes(out):
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob("*.mp4")
        if "servers" not in path.parts
    }


def kill_at(out, process, n_videos):
    """Kill a process once so many videos are there; the thread that waits for it."""

    def wait():
        while sum(1 for _ in out.rglob("*.mp4")) < n_videos:
            if process.poll() is not None:
                return
        process.kill()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


@pytest.mark.long
def test_sixty_clips_on_three_servers_of_which_one_is_killed(clip_list):
    three, alone = clip_list / "three", clip_list / "alone"
    three.mkdir()
    with contextlib.ExitStack() as stack:
        running = [
            stack.enter_context(
                server.running(
                    clip_list / f"server{n}", python=sys.executable, pack=environment.ROOT
                )
            )
            for n in range(3)
        ]
        killer = kill_at(three, running[1].process, N_CLIPS // 4)
        assert batch(clip_list, three, [one.url for one in running]) == 0
        killer.join()
        assert [one.process.poll() is None for one in running] == [True, False, True]
    records = [json.loads(line) for line in (three / "records.jsonl").read_text().splitlines()]
    assert sorted(r["name"] for r in records) == sorted({r["name"] for r in records})
    assert len(records) == N_CLIPS and not any(r["error"] for r in records)
    assert {r["server"] for r in records} == {one.url for one in running}
    with server.running(
        clip_list / "alone_server", python=sys.executable, pack=environment.ROOT
    ) as comfy:
        assert batch(clip_list, alone, [comfy.url]) == 0
        ran = len(comfy.get("/history"))
    assert ran == N_CLIPS
    made = hashes(three)
    assert len(made) == N_CLIPS and len(set(made.values())) == N_CLIPS
    assert made == hashes(alone)
