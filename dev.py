"""Every command for working on the pack, with all the set-up each of them needs.

    python dev.py demo      set up, make a video in the real ComfyUI, say where it is
    python dev.py test      set up, run every test
    python dev.py help      everything else

Needs Python 3.10 to 3.14 and nothing else.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

# the Python of ComfyUI's Windows build does not look beside the script by itself
sys.path.insert(0, str(Path(__file__).resolve().parent))
from released import published_files  # noqa: E402
from tools import arguments, environment, installation, progress, server  # noqa: E402
from tools.environment import BASE, COMFYUI, PACK_NAME, ROOT, WINDOWS  # noqa: E402
from tools.pins import newer_frontend  # noqa: E402
from tools.weights import question  # noqa: E402

MAIN_WORKFLOW, TIMING_WORKFLOW = "keyvid_demo", "keyvid_timing"
RUN_IN_PACK = ROOT / "tools" / "processes" / "run_in_pack.py"
HAS_GPU = (
    "import sys, torch; backends = (torch.cuda, torch.backends.mps, getattr(torch, 'xpu', torch.cuda)); "
    "sys.exit(not any(backend.is_available() for backend in backends))"
)
WORKFLOW_FAILED = 3  # what it ends with once it has said why
# what the copy from ComfyUI's registry has too; .comfyignore leaves out what the others import
IN_ARCHIVE = ("setup", "demo", "convert", "weights", "help")
Command = Callable[[argparse.Namespace], int]
Env = Mapping[str, str] | None
# browser/ is last: Playwright keeps an event loop in the process, beside which asyncio runs no other
SUITES = ("unit", "networks", "training", "evaluation", "parity", "js", "host", "graph", "browser")


def command_setup(_options: argparse.Namespace) -> int:
    """Make .venv and .comfyui with the pinned packages, and link the pack."""
    environment.setup()
    print("Ready.")
    return 0


def command_demo(options: argparse.Namespace) -> int:
    """Run the main workflow in the real ComfyUI (--seed N, --scene NAME: demo --help says more)."""
    workflow = TIMING_WORKFLOW if options.timing else MAIN_WORKFLOW
    graph, truth = ROOT / "workflows" / "api" / f"{workflow}.json", []
    comfyui, python = _installation(options)
    # somebody else's installation is read, not even byte code is written into it
    env = {} if comfyui == COMFYUI else {"PYTHONDONTWRITEBYTECODE": "1"}
    clip = {name: getattr(options, name) for name in ("seed", "scene")}
    clip = {name: value for name, value in clip.items() if value is not None}
    if clip or not options.timing:  # the timing workflow's own sound and image are of no clip
        words = ("tools.demo_clip", graph, BASE, json.dumps(clip))
        if _run(python, RUN_IN_PACK, *words, env=env):
            return 1
        graph, truth = BASE / "graph.json", [] if options.timing else [BASE / "truth.npz"]
    with contextlib.ExitStack() as stack:
        with progress.waiting("Starting ComfyUI"):
            cpu = _run(python, "-W", "ignore", "-c", HAS_GPU, env=env) != 0
            how = {"python": python, "comfyui": comfyui, "pack": ROOT, "cpu": cpu, "env": env}
            comfy = stack.enter_context(server.running(BASE, **how))
        print(f"It runs on the {'CPU' if cpu else 'GPU'}.", flush=True)
        words = ("tools.run_workflow", comfy.url, graph, BASE / "output", *truth)
        code = _run(python, RUN_IN_PACK, *words, env=env)
        if code:
            print(f"\nComfyUI's log: {comfy.log_path}")
        if code not in (0, WORKFLOW_FAILED):  # not a node's error message: the log says more
            print(environment.tail(comfy.log_path))
        if options.serve and not code:
            print(f"\nComfyUI: {comfy.url}/?template={workflow}&source={PACK_NAME}")
            print(f"opens the workflow (Templates > {PACK_NAME} > {workflow}). Ctrl-C stops it.")
            with contextlib.suppress(KeyboardInterrupt):
                comfy.process.wait()
    return code


def command_test(options: argparse.Namespace) -> int:
    """Run every suite, or: test unit -k onset (--long: the slow ones too; --frontend newest: ComfyUI's newest page)."""
    rest, frontend = newer_frontend.taken_out([w for w in options.rest if w != "--long"])
    python = environment.setup(test=True)
    if not rest:
        code = _lint(python, fix=False)
        if code:
            return code
    paths = [f"tests/{word}" if word in SUITES else word for word in rest]
    if not any(word.startswith("tests") for word in paths):
        paths = [f"tests/{name}" for name in SUITES if (ROOT / "tests" / name).is_dir()] + paths
    every = ["-m", ""] if "--long" in options.rest else []
    if not rest:  # a part is sooner done in one process than several have started
        every += ["-n", "auto"]
    env = newer_frontend.variables(frontend)
    return _run(python, "-m", "pytest", "-q", "-rs", *every, *paths, env=env)


def command_lint(options: argparse.Namespace) -> int:
    """Check style, format and types of Python and JavaScript (--fix repairs style and format)."""
    return _lint(environment.setup(test=True), fix=options.fix)


def command_bench(options: argparse.Namespace) -> int:
    """Run a benchmark: bench onset."""
    known = sorted(p.stem.removeprefix("bench_") for p in (ROOT / "tests").glob("bench_*.py"))
    if not options.rest or options.rest[0] not in known:
        raise environment.SetupError(f"Say which benchmark: {', '.join(known)}")
    name, *rest = options.rest
    return _run(environment.setup(test=True), f"tests/bench_{name}.py", *rest)


def command_parity(options: argparse.Namespace) -> int:
    """Compare with recorded outputs of the published code: parity [DIR]."""
    folder = Path(options.folder or ROOT / "tests" / "goldens").expanduser().absolute()
    return _run(environment.setup(), "tests/parity/run.py", folder)


def command_convert(options: argparse.Namespace) -> int:
    """Rewrite a PyTorch checkpoint, or the parts of a split file, as one safetensors file."""
    # relative to where the person stands; a Python that has PyTorch, such as ComfyUI's, needs no set-up
    files = [Path(name).expanduser().absolute() for name in (options.source, options.target)]
    flags = [f"--{name}" for name in ("half", "prune", "force") if getattr(options, name)]
    return _run(_torch_python(), RUN_IN_PACK, "released.convert", *files, *flags)


def command_weights(options: argparse.Namespace) -> int:
    """Fetch published weights and convert them: weights keyvid --half (says size and licence, then asks)."""
    words = question.answered(options, published_files.NAMES[options.name])
    if not words:
        return 1
    return _run_to_end(_torch_python(), "tools.weights.command", *words)


def command_rehearse(options: argparse.Namespace) -> int:
    """Run the released path at full size with random values: rehearse FOLDER (40 GB; --help says more)."""
    words = ("tools.rehearsal.rehearse", *options.rest)
    return _run(environment.setup(), RUN_IN_PACK, *words)


def command_train(options: argparse.Namespace) -> int:
    """Train a network: train vae --minutes 30, train full generator ..., train lora FOLDER (train --help says more)."""
    return _run_to_end(environment.setup(train=True), "training.command", *options.rest, cwd=".")


def command_export(options: argparse.Namespace) -> int:
    """Write the trained networks into models/weights/ (export --help says more)."""
    python = environment.setup(train=True)
    return _run(python, RUN_IN_PACK, "training.release.export", *options.rest)


def command_eval(options: argparse.Namespace) -> int:
    """Measure: eval sync, song, training, tracker, localizer, flow, lora, table1 to table3 (eval sync --help: more)."""
    python = environment.setup(train=True)
    return _run(python, RUN_IN_PACK, "evaluation.command", *options.rest, cwd=".")


def command_label(options: argparse.Namespace) -> int:
    """Measure the motion of a data set's videos, and report those that cannot be used (label --help says more)."""
    return _run_to_end(environment.setup(), "training.datasets.label", *options.rest, cwd=".")


def command_batch(options: argparse.Namespace) -> int:
    """Make many clips on one or many ComfyUI servers: batch LIST --server URL (batch --help says more)."""
    return _run_to_end(environment.setup(), "tools.batch.command", *options.rest, cwd=".")


def command_workflows(options: argparse.Namespace) -> int:
    """Rewrite workflows/api/ from workflows/ in the real frontend (--thumbnails, --screenshots DIR)."""
    images = ["--thumbnails"] if options.thumbnails else []
    if options.screenshots:
        images += ["--screenshots", str(options.screenshots.resolve())]
    python = environment.setup(test=True)
    return _run(python, "-m", "tools.export_workflows", *images, *options.names)


def command_world(options: argparse.Namespace) -> int:
    """Write a clip of the procedural world as MP4 and PNG (--seed N, --scene NAME, --out DIR)."""
    folder = Path(options.out or environment.WORK / "world").expanduser().absolute()
    scene = [options.scene] if options.scene else []
    words = ("training.world.show", options.seed, folder, *scene)
    return _run(environment.setup(), RUN_IN_PACK, *words)


def command_locales(_options: argparse.Namespace) -> int:
    """Rewrite locales/ from the nodes' schemas and the tables of translations in tools/locales/tables."""
    return _run(environment.setup(test=True), RUN_IN_PACK, "tools.locales.command")


def command_release(options: argparse.Namespace) -> int:
    """What is published: release archive, release notes TAG (release --help says more)."""
    from tools.release.command import main as release

    return release(options.rest)


def command_help(_options: argparse.Namespace) -> int:
    """This list."""
    _parser().print_help()
    return 0


def _parser() -> argparse.ArgumentParser:
    """The commands and their arguments. One that passes on gets the words behind it in options.rest, unread."""
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description=__doc__,
        formatter_class=lambda prog: argparse.RawDescriptionHelpFormatter(
            prog, max_help_position=20, width=120
        ),
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND ARGS")

    def add(name: str, function: Command, *, passes_on: bool = False) -> argparse.ArgumentParser:
        line = function.__doc__
        command = commands.add_parser(name, help=line, description=line, add_help=not passes_on)
        command.set_defaults(command=name, function=function, passes_on=passes_on)
        return command

    add("setup", command_setup)
    arguments.demo(add("demo", command_demo))
    add("test", command_test, passes_on=True)
    add("lint", command_lint).add_argument("--fix", action="store_true")
    add("bench", command_bench, passes_on=True)
    arguments.parity(add("parity", command_parity))
    arguments.convert(add("convert", command_convert))
    arguments.weights(add("weights", command_weights), published_files.NAMES)
    add("rehearse", command_rehearse, passes_on=True)
    add("label", command_label, passes_on=True)
    add("batch", command_batch, passes_on=True)
    add("train", command_train, passes_on=True)
    add("export", command_export, passes_on=True)
    add("eval", command_eval, passes_on=True)
    arguments.workflows(add("workflows", command_workflows))
    arguments.world(add("world", command_world))
    add("locales", command_locales)
    add("release", command_release, passes_on=True)
    add("help", command_help)
    return parser


def _run(python: str | Path, *words: object, env: Env = None, cwd: str | Path = ROOT) -> int:
    command, env = [str(part) for part in (python, *words)], {**os.environ, **(env or {})}
    return subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, check=False
    ).returncode


def _run_to_end(python: str | Path, *words: object, cwd: str | Path = ROOT) -> int:
    """Run a module of the pack that Ctrl-C reaches too: it saves, and says how to go on, while this waits for it."""
    signal.signal(signal.SIGINT, lambda *_: None)
    return _run(python, RUN_IN_PACK, *words, cwd=cwd)


def _torch_python() -> str | Path:
    """A Python with PyTorch, such as ComfyUI's, which then needs no set-up; else ours."""
    has_torch = all(importlib.util.find_spec(name) for name in ("torch", "safetensors"))
    return sys.executable if has_torch else environment.setup()


def _lint(python: str | Path, *, fix: bool) -> int:
    checks = [["check", "--fix"], ["format"]] if fix else [["check"], ["format", "--check"]]
    for words in checks:
        code = _run(python, "-m", "ruff", *words, "--quiet", ".")
        if code:
            return code
    code = _run(python, "-m", "basedpyright", "--level", "error")
    if code:
        return code
    from tools import javascript_checks

    return javascript_checks.check(fix=fix)


def _installation(options: argparse.Namespace) -> tuple[Path, Path]:
    """(ComfyUI's folder, its Python): ours, or the one the person named."""
    if options.comfyui:
        return installation.find(options.comfyui, options.python)
    if WINDOWS:
        print("This runs on the CPU; to use a GPU, name your ComfyUI: --comfyui PATH")
    return COMFYUI, environment.setup()


def _parse(words: list[str]) -> argparse.Namespace:
    parser = _parser()
    options, unknown = parser.parse_known_args(words or ["help"])
    options.rest = words[1:]
    if unknown and not options.passes_on:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return options


def _use_utf8() -> None:
    """Start again in UTF-8 where the locale cannot name this folder's letters, so that every child can."""
    if not WINDOWS and sys.getfilesystemencoding().lower() != "utf-8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.argv])


def main() -> int:
    """Run one command; its exit code."""
    _use_utf8()
    options = _parse(sys.argv[1:])
    try:
        if options.command not in IN_ARCHIVE:
            environment.need_project(options.command)
        return options.function(options)
    except (environment.SetupError, server.ServerError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the same command goes on from here.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
