"""The pack joins a ComfyUI without leaving a trace: no warning, no package, no slow import."""

import ast
import importlib.metadata
import json
import re
import subprocess
import sys

import pytest
from keyvid_pack.tools import environment, server

ROOT = environment.ROOT
PACKAGES = ("nodes", "host", "models", "keyframes", "preview")  # what ComfyUI imports
MAX_NEW_MODULES = (
    10  # a handful of small helpers (PIL.ImageDraw) is free, scipy.signal alone is 200
)

# Starts like ComfyUI's main.py without a server, imports the pack, and tells what that dragged in.
IMPORT_PACK = """
import asyncio, json, sys, time
sys.path.insert(0, sys.argv[1])
from comfy.cli_args import args
args.cpu = args.disable_api_nodes = True
import folder_paths
for kind in ("input", "output", "temp", "user"):
    getattr(folder_paths, f"set_{kind}_directory")(sys.argv[3])
import nodes, server, execution
asyncio.run(nodes.init_builtin_extra_nodes())
before, started_s = set(sys.modules), time.perf_counter()
loaded = asyncio.run(nodes.load_custom_node(sys.argv[2]))
elapsed_s = time.perf_counter() - started_s
new = {name: getattr(sys.modules[name], "__file__", None) or "" for name in set(sys.modules) - before}
print(json.dumps({"loaded": loaded, "elapsed_s": elapsed_s, "new": new}))
"""


def _lines(log):
    """A start-up log as a set of lines without what differs from run to run (numbers, folders)."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", log)
    lines = (" ".join(re.sub(r"\S*/\S*|\d+", "#", line).split()) for line in plain.splitlines())
    return set(lines)


def _start_up(log):
    """The part of a log until ComfyUI is up, in which packs are loaded."""
    return log.partition("To see the GUI")[0]


@pytest.fixture(scope="module")
def lines_without_packs(tmp_path_factory):
    with server.running(tmp_path_factory.mktemp("bare"), python=sys.executable) as running:
        return _lines(_start_up(running.log()))


def test_the_pack_adds_nothing_to_the_start_up_log(comfy, lines_without_packs):
    log = _start_up(comfy.log())
    assert re.search(rf"\d seconds: .*{environment.PACK_NAME}", log), log
    expected = {"[INFO]", "Import times for custom nodes:", "[INFO] #.# seconds: #"}
    assert _lines(log) - lines_without_packs <= expected


def test_a_pack_that_warns_and_fails_is_noticed(tmp_path, lines_without_packs):
    """The comparison above can fail."""
    pack = tmp_path / "toy"
    pack.mkdir()
    source = "import logging\nlogging.warning('old API')\nraise RuntimeError('broken')\n"
    (pack / "__init__.py").write_text(source)
    with server.running(tmp_path / "base", python=sys.executable, pack=pack) as running:
        more = "\n".join(_lines(_start_up(running.log())) - lines_without_packs)
    assert "[WARNING] old API" in more
    assert "RuntimeError: broken" in more
    assert "(IMPORT FAILED)" in more


def test_importing_the_pack_imports_nothing_heavy(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", IMPORT_PACK]
    arguments = [str(environment.COMFYUI), str(ROOT), str(tmp_path)]
    result = subprocess.run(command + arguments, capture_output=True, text=True, timeout=1800)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout.splitlines()[-1])
    print(f"importing the pack took {report['elapsed_s']:.3f} s")
    assert report["loaded"], result.stderr
    foreign = {name for name, path in report["new"].items() if "site-packages" in path}
    own = {name for name in report["new"].keys() - foreign if name.endswith(".nodes.select")}
    assert own, "the pack itself was not imported"
    assert len(foreign) <= MAX_NEW_MODULES, sorted(foreign)


# used where the artist has them; tests/host (test_librosa_curves.py, test_motion.py) holds what is said where not
OPTIONAL = {"host/librosa_curves.py: librosa", "host/opencv_flow.py: cv2"}


def test_the_pack_imports_only_what_comfyui_brings():
    """Every import statement in the pack, lazy ones included, is met by ComfyUI's own requirements."""
    provided = {module for modules in _modules_comfyui_requires().values() for module in modules}
    tree = {path.stem for path in environment.COMFYUI.iterdir() if path.suffix in ("", ".py")}
    allowed = provided | tree | set(sys.stdlib_module_names)
    missing = {f"{path}: {name}" for path, name in _imports() if name not in allowed}
    assert missing == OPTIONAL
    assert {"numpy", "scipy"} <= {name for _, name in _imports()}, "no imports were found at all"


def test_installing_the_pack_installs_no_package():
    """requirements.txt names what the pack imports: packages that ComfyUI requires, in whatever version it has."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    named = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    imported = {name for _, name in _imports()}
    needed = {name for name, modules in _modules_comfyui_requires().items() if modules & imported}
    assert len(needed) > 3
    assert sorted(map(_normal, named)) == sorted(needed)
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert re.search(r"^dependencies = \[\]$", project, re.MULTILINE)


def _modules_comfyui_requires():
    """{package that ComfyUI's requirements.txt names: the modules that it brings}."""
    lines = (environment.COMFYUI / "requirements.txt").read_text().splitlines()
    required = {_normal(re.match(r"[\w.-]+", line)[0]) for line in lines if line[:1].isalnum()}
    return {
        _normal(package.metadata["Name"]): {
            file.parts[0].partition(".")[0] for file in package.files
        }
        for package in importlib.metadata.distributions()
        if _normal(package.metadata["Name"]) in required
    }


def test_the_registry_reads_the_packs_description():
    """Read by ComfyUI's own parser; one classifier it does not know would empty the whole list."""
    read = (
        "import sys; sys.path.insert(0, sys.argv[1]); "
        "from comfy_config.config_parser import extract_node_configuration as read; "
        "print(read(sys.argv[2]).model_dump_json())"
    )
    command = [sys.executable, "-c", read, str(environment.COMFYUI), str(ROOT)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=1800, check=True)
    described = json.loads(result.stdout.splitlines()[-1])
    project, comfy = described["project"], described["tool_comfy"]
    assert re.fullmatch(r"[a-z][a-z0-9_-]*", project["name"])
    assert re.fullmatch(r"\d+\.\d+\.\d+", project["version"])
    assert project["supported_os"] == ["OS Independent"]
    assert project["supported_accelerators"] == []  # it needs none of them
    assert project["supported_comfyui_version"] == ">=0.30.0"
    assert (ROOT / project["license"]["file"]).is_file()
    assert project["urls"] == {
        "homepage": environment.PROJECT_URL,
        "repository": environment.PROJECT_URL,
        "documentation": f"{environment.PROJECT_URL}/tree/main/js/docs",
        "issues": f"{environment.PROJECT_URL}/issues",
    }
    assert comfy["publisher_id"] and comfy["display_name"] == "KeyVID"
    assert comfy["icon"].endswith("/docs/media/icon.png")


# types of values that an artist types or chooses
WIDGETS = {"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO"}


def unexplained(node_id, info, readme, docs):
    """What a node lacks of what every node has, in words; info: its entry of /object_info."""
    if not info["description"]:
        yield f"{node_id} has no description"
    if not (docs / f"{node_id}.md").is_file():
        yield f"there is no help page js/docs/{node_id}.md"
    if f"(js/docs/{node_id}.md)" not in readme:
        yield f"README's tables of nodes have no link to js/docs/{node_id}.md"
    for group in ("required", "optional"):
        for name, (kind, *options) in info["input"].get(group, {}).items():
            is_widget = isinstance(kind, list) or kind in WIDGETS
            if is_widget and not (options and options[0].get("tooltip")):
                yield f"the input {name} of {node_id} has no tooltip"


def test_every_node_is_explained(comfy):
    """Description, help page, a link in README, and a tooltip for every value that is typed or chosen."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    nodes = {k: v for k, v in comfy.object_info().items() if k.startswith("KeyVID_")}
    assert len(nodes) > 20
    docs = ROOT / "js" / "docs"
    found = [line for one in nodes.items() for line in unexplained(*one, readme, docs)]
    assert not found, "\n".join(found)
    toy = {"description": "", "input": {"required": {"n": ["INT", {}]}}}
    assert len(list(unexplained("KeyVID_Toy", toy, readme, docs))) == 4


def _imports():
    """(file, top-level module) of each absolute import in the pack."""
    paths = [ROOT / "__init__.py"]
    paths += [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module]
            else:
                continue
            yield from ((path.relative_to(ROOT), name.partition(".")[0]) for name in names)


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_comfyui_lists_the_packs_blueprints(comfy):
    """With what is in them, as a page asks for it."""
    listed = {
        entry["name"]: key
        for key, entry in comfy.get("/global_subgraphs").items()
        if entry["info"]["node_pack"].endswith(environment.PACK_NAME)
    }
    files = {path.stem: path for path in (environment.ROOT / "subgraphs").glob("*.json")}
    assert listed.keys() == files.keys() and len(files) >= 5
    for name, key in listed.items():
        data = comfy.get(f"/global_subgraphs/{key}")["data"]
        assert json.loads(data) == json.loads(files[name].read_text(encoding="utf-8"))
