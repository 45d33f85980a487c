"""Weight files for the tests: small state dicts under the published names, and files that would do harm."""

import builtins
import contextlib
import os
import pathlib
import subprocess
import sys
import types
import zipfile

import torch
from safetensors.torch import save_file


def small_state(seed=0):
    """A few tensors of the types and layouts that checkpoints hold; also views and a parameter."""
    generator = torch.Generator().manual_seed(seed)
    whole = torch.randn(6, 4, generator=generator)
    return {
        "a.weight": torch.randn(3, 5, generator=generator),
        "a.bias": torch.randn(5, generator=generator).half(),
        "b.weight": torch.randn(2, 2, generator=generator).bfloat16(),
        "b.double": torch.randn(2, generator=generator).double(),
        "transposed": whole.t(),
        "slice": whole[2:4, 1:],
        "shared": whole,
        "scalar": torch.tensor(0.5),
        "empty": torch.empty(0, 3),
        "counter": torch.tensor([2**40, -1]),
        "mask": torch.tensor([True, False]),
        "parameter": torch.nn.Parameter(torch.randn(4, generator=generator)),
    }


def same_tensors(found, expected):
    """Whether two state dicts have the same names, types, shapes and values."""
    return list(sorted(found)) == list(sorted(expected)) and all(
        found[name].dtype == tensor.dtype and torch.equal(found[name], tensor)
        for name, tensor in expected.items()
    )


class _Harm:
    """Unpickled by Python's own machine, it calls a function with the path of a file to leave behind."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


# name -> what makes an object that would write the file at a path if it came to life
HARM = {
    "os.system": lambda path: _Harm(os.system, f'echo > "{path}"'),
    "eval": lambda path: _Harm(builtins.eval, f"open({str(path)!r}, 'w').close()"),
    "exec": lambda path: _Harm(builtins.exec, f"open({str(path)!r}, 'w').close()"),
    "open": lambda path: _Harm(open, str(path), "w"),
    "mkdir": lambda path: _Harm(os.mkdir, str(path)),
    "Popen": lambda path: _Harm(
        subprocess.Popen, [sys.executable, "-c", f"open({str(path)!r}, 'w')"]
    ),
    "bound method": lambda path: _Harm(pathlib.Path(path).touch),
    "unbound method": lambda path: _Harm(pathlib.Path.touch, pathlib.Path(path)),
}
SAVES = {
    "zip": {},
    "zip, protocol 4": {"pickle_protocol": 4},
    "legacy": {"_use_new_zipfile_serialization": False},
}


FORMATS = ("safetensors", "wrapped", "zip", "legacy")


def save(state, path, how, metadata=None):
    """Write a state dict in one of FORMATS; metadata: of a safetensors file, the others have none."""
    if how == "safetensors":
        save_file(state, path, metadata=metadata)
    elif how == "wrapped":
        torch.save({"state_dict": state, "epoch": 3}, path)
    else:
        torch.save(state, path, **SAVES[how])


@contextlib.contextmanager
def training_tool():
    """Modules of a training tool that is there while a file is written and gone when it is read."""
    source = (
        "class Callback:\n    def __init__(self, **values): self.__dict__.update(values)\n"
        "class Settings(dict): pass\n"
        "class Choice:\n    def __init__(self, value): self.value = value\n"
        "    def __reduce__(self): return Choice, (self.value,)\n"
        "class Steps(list): pass\n"
    )
    module = types.ModuleType("training_tool.callbacks")
    parent = types.ModuleType("training_tool")
    parent.callbacks = module
    exec(source, module.__dict__)  # noqa: S102
    sys.modules.update({"training_tool": parent, "training_tool.callbacks": module})
    try:
        yield module
    finally:
        del sys.modules["training_tool"], sys.modules["training_tool.callbacks"]


def save_training_file(path, state, **options):
    """What a trainer writes: the state dict among callbacks, settings and numpy scalars of its own classes."""
    import numpy as np

    with training_tool() as tool:
        content = {
            "epoch": 859,
            "global_step": 10320,
            "callbacks": {
                tool.Callback: tool.Callback(best=torch.ones(3), path=pathlib.PurePosixPath("a"))
            },
            "optimizer_states": [{"state": {0: {"step": 3, "exp_avg": torch.zeros(7)}}}],
            "state_dict": state,
            "hyper_parameters": tool.Settings(rate=tool.Choice(1e-4), steps=tool.Steps([1, 2])),
            "metric": np.float64(0.25),
            "history": np.arange(3),
            "kinds": {frozenset({"a"}), "b"},
        }
        torch.save(content, path, **options)


def replace_pickle(source, target, pickle):
    """A copy of a zip checkpoint with another data.pkl."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for info in old.infolist():
            data = pickle if info.filename.endswith("data.pkl") else old.read(info)
            new.writestr(info.filename, data)
