"""The archive that ComfyUI's registry gives to artists, unpacked into a clean ComfyUI as the registry does it."""

import json
import subprocess
import sys
import urllib.error
import zipfile

import av
import pytest
from keyvid_pack.tools import server
from keyvid_pack.tools.release import archive

from ..helpers.graphs.prompts import succeed

FOLDER = "keyvid"  # the registry unpacks into a folder called as the project is


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder for ComfyUI with the archive's files in custom_nodes."""
    base = tmp_path_factory.mktemp("clean")
    packed = archive.write(base / "keyvid.zip")
    assert packed.stat().st_size < archive.MAX_BYTES
    with zipfile.ZipFile(packed) as files:
        assert sorted(files.namelist()) == archive.published_files()
        files.extractall(base / "custom_nodes" / FOLDER)
    return base


@pytest.fixture(scope="module")
def installed(base):
    """A running ComfyUI whose only pack is the unpacked archive."""
    pack = base / "custom_nodes" / FOLDER
    with server.running(base, python=sys.executable, other_packs=[pack]) as running:
        yield running


def dev(base, *words):
    """`dev.py WORDS` in the installed copy, with the Python that runs ComfyUI: (code, what it said)."""
    command = [sys.executable, "dev.py", *words]
    folder = base / "custom_nodes" / FOLDER
    done = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800
    )
    return done.returncode, done.stdout + done.stderr


def test_the_demo_runs_from_the_archive(installed):
    """It is the only folder of the pack that the server can see: what it lacks is missing here."""
    folder = installed.base / "custom_nodes" / FOLDER
    prompt = json.loads((folder / "workflows/api/keyvid_demo.json").read_text(encoding="utf-8"))
    outputs = succeed(installed, prompt)
    (saved,) = [ui for key, ui in outputs.items() if prompt[key]["class_type"] == "SaveVideo"]
    (file,) = saved["images"]
    with av.open(str(installed.base / "output" / file["subfolder"] / file["filename"])) as video:
        assert sum(1 for _ in video.decode(video.streams.video[0])) == 48
        assert video.streams.audio


def test_every_node_template_help_page_and_script_is_there(installed):
    assert "IMPORT FAILED" not in installed.log()
    nodes = {name for name in installed.object_info() if name.startswith("KeyVID_")}
    help_pages = {path.stem for path in (archive.ROOT / "js" / "docs").glob("*.md")}
    assert nodes == help_pages and len(nodes) > 20
    workflows = {path.stem for path in (archive.ROOT / "workflows").glob("*.json")}
    assert set(installed.get("/workflow_templates")[FOLDER]) == workflows
    scripts = {f"/extensions/{FOLDER}/{path.name}" for path in (archive.ROOT / "js").glob("*.js")}
    assert scripts and scripts <= set(installed.get("/extensions"))
    for address in (*scripts, f"/extensions/{FOLDER}/docs/KeyVID_ClipAudio.md"):
        assert installed.get_bytes(address)
    with pytest.raises(urllib.error.HTTPError):
        installed.get_bytes(f"/extensions/{FOLDER}/docs/KeyVID_Nothing.md")


def test_the_commands_for_artists_work_and_the_others_say_where_the_project_is(base):
    code, said = dev(base, "train", "vae")
    assert code == 1 and "git clone https://" in said, said
    code, said = dev(base, "weights", "localizer")
    assert code == 1 and "add --yes" in said, said
    assert str(base / "models" / "keyvid") in said
    code, said = dev(base, "convert", "nowhere.ckpt", "out.safetensors")
    assert code == 1 and "nowhere.ckpt" in said and "Traceback" not in said, said
    code, said = dev(base, "demo", "--comfyui", str(base / "nowhere"))
    assert code == 1 and "no ComfyUI (main.py)" in said, said
    folder = base / "custom_nodes" / FOLDER
    clip = [str(folder / "tools/processes/run_in_pack.py"), "tools.demo_clip"]
    graph = [str(folder / "workflows/api/keyvid_demo.json"), str(base / "clip")]
    drawn = subprocess.run([sys.executable, *clip, *graph, '{"seed": 1000005}'], timeout=1800)
    assert drawn.returncode == 0 and (base / "clip" / "truth.npz").is_file()
