"""Every command for working on the pack, with all the set-up each of them needs.

    python dev.py demo      set up, make a video in the real ComfyUI, say where it is
    python dev.py test      set up, run every test
    python dev.py help      everything else

Needs Python 3.10 to 3.13 and nothing else.
"""

import argparse
import contextlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

# the Python of ComfyUI's Windows build does not look beside the script by itself
sys.path.insert(0, str(Path(__file__).resolve().parent))
from tools import environment, javascript_checks, progress, server  # noqa: E402
from tools.environment import BASE, COMFYUI, PACK_NAME, ROOT, WINDOWS  # noqa: E402

MAIN_WORKFLOW, TIMING_WORKFLOW = "keyvid_demo", "keyvid_timing"
# the pack under one name, as tests/conftest.py has it: inside it all imports are relative; ComfyUI's Windows build
# ignores the current folder, so the path is handed over
RUN_IN_PACK = (
    "import importlib.util as u, os, sys; root, name, *words = sys.argv[1:]; "
    "spec = u.spec_from_file_location('keyvid_pack', os.path.join(root, '__init__.py'), "
    "submodule_search_locations=[root]); pack = u.module_from_spec(spec); "
    "sys.modules['keyvid_pack'] = pack; spec.loader.exec_module(pack); import importlib; "
    "sys.exit(importlib.import_module('keyvid_pack.' + name).main(*words))"
)
HAS_GPU = (
    "import sys, torch; backends = (torch.cuda, torch.backends.mps, getattr(torch, 'xpu', torch.cuda)); "
    "sys.exit(not any(backend.is_available() for backend in backends))"
)
WORKFLOW_FAILED = 3  # what it ends with once it has said why
SUITES = ("unit", "networks", "training", "evaluation", "parity", "host", "js", "graph", "browser")


def command_setup(_options):
    environment.setup()
    print("Ready.")
    return 0


def command_demo(options):
    workflow = TIMING_WORKFLOW if options.timing else MAIN_WORKFLOW
    graph = ROOT / "workflows" / "api" / f"{workflow}.json"
    comfyui, python = _installation(options)
    # somebody else's installation is read, not even byte code is written into it
    env = {} if comfyui == COMFYUI else {"PYTHONDONTWRITEBYTECODE": "1"}
    with contextlib.ExitStack() as stack:
        with progress.waiting("Starting ComfyUI"):
            cpu = _run(python, "-W", "ignore", "-c", HAS_GPU, env=env) != 0
            how = {"python": python, "comfyui": comfyui, "pack": ROOT, "cpu": cpu, "env": env}
            comfy = stack.enter_context(server.running(BASE, **how))
        print(f"It runs on the {'CPU' if cpu else 'GPU'}.", flush=True)
        words = ("tools.run_workflow", comfy.url, graph, BASE / "output")
        code = _run(python, "-c", RUN_IN_PACK, ROOT, *words, env=env)
        if code:
            print(f"\nComfyUI's log: {comfy.log_path}")
        if code not in (0, WORKFLOW_FAILED):  # not a sentence of a node: the log knows more
            print(environment.tail(comfy.log_path))
        if options.serve and not code:
            print(f"\nComfyUI: {comfy.url}/?template={workflow}&source={PACK_NAME}")
            print(f"opens the workflow (Templates > {PACK_NAME} > {workflow}). Ctrl-C stops it.")
            with contextlib.suppress(KeyboardInterrupt):
                comfy.process.wait()
    return code


def command_test(options):
    rest = [word for word in options.rest if word != "--long"]
    suites = [f"tests/{name}" for name in SUITES if (ROOT / "tests" / name).is_dir()]
    python = environment.setup(test=True)
    if not rest:
        code = _lint(python, fix=False)
        if code:
            return code
    paths = [f"tests/{word}" if word in SUITES else word for word in rest]
    if not any(word.startswith("tests") for word in paths):
        paths = suites + paths
    every = ["-m", ""] if "--long" in options.rest else []
    return _run(python, "-m", "pytest", "-q", "-rs", *every, *paths)


def command_lint(options):
    return _lint(environment.setup(test=True), fix=options.fix)


def command_bench(options):
    known = sorted(p.stem.removeprefix("bench_") for p in (ROOT / "tests").glob("bench_*.py"))
    if not options.rest or options.rest[0] not in known:
        raise environment.SetupError(f"Say which benchmark: {', '.join(known)}")
    name, *rest = options.rest
    return _run(environment.setup(test=True), f"tests/bench_{name}.py", *rest)


def command_parity(options):
    folder = Path(options.folder or ROOT / "tests" / "goldens").expanduser().absolute()
    return _run(environment.setup(), "tests/parity/run.py", folder)


def command_convert(options):
    # relative to where the person stands; a Python that has PyTorch, such as ComfyUI's, needs no set-up
    files = [Path(name).expanduser().absolute() for name in (options.source, options.target)]
    flags = [f"--{name}" for name in ("half", "prune", "force") if getattr(options, name)]
    has_torch = all(importlib.util.find_spec(name) for name in ("torch", "safetensors"))
    python = sys.executable if has_torch else environment.setup()
    return _run(python, "-c", RUN_IN_PACK, ROOT, "tools.convert", *files, *flags)


def command_train(options):
    python = environment.setup(train=True)
    # Ctrl-C reaches the training too, which saves before it ends: nothing to do here but to wait for it
    signal.signal(signal.SIGINT, lambda *_: None)
    return _run(python, "-c", RUN_IN_PACK, ROOT, "training.command", *options.rest)


def command_export(options):
    python = environment.setup(train=True)
    return _run(python, "-c", RUN_IN_PACK, ROOT, "training.release.export", *options.rest)


def command_eval(options):
    python = environment.setup(train=True)
    return _run(python, "-c", RUN_IN_PACK, ROOT, "evaluation.command", *options.rest)


def command_workflows(options):
    thumbnails = ["--thumbnails"] if options.thumbnails else []
    python = environment.setup(test=True)
    return _run(python, "-m", "tools.export_workflows", *thumbnails, *options.names)


def command_world(options):
    folder = Path(options.out or environment.WORK / "world").expanduser().absolute()
    scene = [options.scene] if options.scene else []
    words = ("training.world.show", options.seed, folder, *scene)
    return _run(environment.setup(), "-c", RUN_IN_PACK, ROOT, *words)


def command_help(_options):
    print(__doc__.strip() + "\n")
    for name, line, _, _ in COMMANDS:
        print(f"  {name:10} {line}")
    return 0


ANYTHING = None  # the command reads the words after it by itself: options.rest
# name, what it does, the function that does it, its arguments as add_argument takes them
COMMANDS = [
    ("setup", "make .venv and .comfyui with the pinned packages, link the pack", command_setup, []),
    (
        "demo",
        "run the main workflow in the real ComfyUI (--timing, --serve, --comfyui PATH, --python EXE)",
        command_demo,
        [
            (
                ["--timing"],
                {
                    "action": "store_true",
                    "help": "only the timing, on a picture: nothing is painted",
                },
            ),
            (["--serve"], {"action": "store_true", "help": "keep ComfyUI running afterwards"}),
            (
                ["--comfyui"],
                {"metavar": "PATH", "help": "use this installation, change nothing in it"},
            ),
            (["--python"], {"metavar": "EXE", "help": "the Python of that installation"}),
        ],
    ),
    (
        "test",
        "run every suite, or: test unit -k onset (--long adds the slow ones)",
        command_test,
        ANYTHING,
    ),
    (
        "lint",
        "style, format and types of Python and JavaScript (--fix repairs style and format)",
        command_lint,
        [(["--fix"], {"action": "store_true"})],
    ),
    (
        "bench",
        "run a benchmark: bench onset",
        command_bench,
        ANYTHING,
    ),
    (
        "parity",
        "compare with recorded outputs of the published code: parity [DIR]",
        command_parity,
        [(["folder"], {"nargs": "?", "metavar": "DIR", "help": "default: tests/goldens"})],
    ),
    (
        "convert",
        "rewrite a PyTorch checkpoint, or the parts of a split file, as one safetensors file",
        command_convert,
        [
            (["source"], {"metavar": "IN"}),
            (["target"], {"metavar": "OUT.safetensors"}),
            (["--half"], {"action": "store_true", "help": "store fp16: half the size"}),
            (["--prune"], {"action": "store_true", "help": "leave out what KeyVID never reads"}),
            (["--force"], {"action": "store_true", "help": "replace OUT if it exists"}),
        ],
    ),
    (
        "train",
        "train one of KeyVID's own small networks: train vae --minutes 30 (train --help says more)",
        command_train,
        ANYTHING,
    ),
    (
        "export",
        "write the trained networks into models/weights/ (export --help says more)",
        command_export,
        ANYTHING,
    ),
    (
        "eval",
        "measure: eval sync, eval tracker, eval localizer (eval sync --help says more)",
        command_eval,
        ANYTHING,
    ),
    (
        "workflows",
        "rewrite workflows/api/ from workflows/ in the real frontend (--thumbnails)",
        command_workflows,
        [(["--thumbnails"], {"action": "store_true"}), (["names"], {"nargs": "*"})],
    ),
    (
        "world",
        "write a clip of the procedural world as MP4 and PNG (--seed N, --scene NAME, --out DIR)",
        command_world,
        [
            (["--seed"], {"type": int, "default": 7, "help": "which clip; default: 7"}),
            (
                ["--scene"],
                {"metavar": "NAME", "help": "ball, anvil, drum, ...; default: by the seed"},
            ),
            (["--out"], {"metavar": "DIR", "help": "default: .dev/world"}),
        ],
    ),
    ("help", "this list", command_help, []),
]


def _run(python, *arguments, env=None):
    command = [str(part) for part in (python, *arguments)]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, check=False
    ).returncode


def _lint(python, *, fix):
    checks = [["check", "--fix"], ["format"]] if fix else [["check"], ["format", "--check"]]
    for arguments in checks:
        code = _run(python, "-m", "ruff", *arguments, "--quiet", ".")
        if code:
            return code
    code = _run(python, "-m", "basedpyright", "--level", "error")
    return code or javascript_checks.check(fix=fix)


def _installation(options):
    """(ComfyUI's folder, its Python): ours, or the one the person named."""
    if not options.comfyui:
        if WINDOWS:
            print("This runs on the CPU; to use a GPU, name your ComfyUI: --comfyui PATH")
        return COMFYUI, environment.setup()
    given = Path(options.comfyui).expanduser().resolve()
    comfyui = next((p for p in (given, given / "ComfyUI") if (p / "main.py").is_file()), None)
    if comfyui is None:
        raise environment.SetupError(f"There is no ComfyUI (main.py) in {given}.")
    version = comfyui / "comfyui_version.py"  # old ones have none
    text = version.read_text(encoding="utf-8") if version.is_file() else ""
    found = re.search(r'__version__ = "(\d+)\.(\d+)', text)
    if not found or tuple(map(int, found.groups())) < (0, 30):
        raise environment.SetupError(f"{comfyui} is older than ComfyUI 0.30; update it first.")
    if options.python:
        # absolute, but not resolved: a virtual environment's Python is a link
        python = shutil.which(Path(options.python).expanduser())
        if not python:
            raise environment.SetupError(f"There is no Python program at {options.python}.")
        return comfyui, Path(python).absolute()
    parents = (comfyui, comfyui.parent)
    inside = (
        (".venv/bin/python", "venv/bin/python")
        if not WINDOWS
        else (".venv/Scripts/python.exe", "venv/Scripts/python.exe", "python_embeded/python.exe")
    )
    for path in (parent / name for parent in parents for name in inside):
        if path.is_file():
            return comfyui, path
    raise environment.SetupError(
        f"No Python was found beside {comfyui}; name the one that runs it: --python EXE"
    )


def _parse(words):
    parser = argparse.ArgumentParser(prog="dev.py", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, line, function, arguments in COMMANDS:
        if arguments is ANYTHING and words[:1] == [name]:
            return argparse.Namespace(function=function, rest=words[1:])
        command = commands.add_parser(name, help=line, description=line)
        command.set_defaults(function=function)
        for flags, options in arguments or []:
            command.add_argument(*flags, **options)
    return parser.parse_args(words or ["help"])


def _use_utf8():
    """Start again in UTF-8 where the locale cannot name this folder's letters, so that every child can."""
    if not WINDOWS and sys.getfilesystemencoding().lower() != "utf-8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.argv])


def main():
    _use_utf8()
    options = _parse(sys.argv[1:])
    try:
        return options.function(options)
    except (environment.SetupError, server.ServerError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
