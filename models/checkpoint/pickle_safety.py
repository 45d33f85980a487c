"""Which names in a pickle are tensors' own, which are foreign, and which only an attack would use.

Reading never depends on this list: names are data there (pickle_data.py). The list decides the error message: a file
with foreign objects can be converted, a file that would run commands is refused everywhere.
"""

import re
from collections.abc import Iterable

from .pickle_data import Global

# what the state dict of a plain torch.save needs; all of it is allowed by torch.load(..., weights_only=True)
_PLAIN_TORCH = re.compile(
    r"torch\.(\w*(Storage|Tensor)|storage\.\w*Storage|(_utils|_tensor)\._rebuild_\w+|Size|device"
    r"|(u?int|float|bfloat|complex)\d+\w*|bool)"
)
_PLAIN = {
    "torch.nn.parameter.Parameter",
    "collections.OrderedDict",
    "collections.Counter",
    "collections.defaultdict",
    "_codecs.encode",
    "builtins.set",
    "builtins.complex",
    "builtins.bytearray",
}
# modules that start programs, change files, open connections or run code
_DANGEROUS_MODULES = {
    "_io", "_pickle", "_posixsubprocess", "_thread", "aiohttp", "asyncio", "bdb", "cProfile", "cffi", "code",
    "codeop", "commands", "concurrent", "ctypes", "dill", "doctest", "fileinput", "ftplib", "glob", "http",
    "httplib", "importlib", "io", "joblib", "marshal", "mmap", "multiprocessing", "nt", "ntpath", "os", "pdb",
    "pickle", "pip", "pkgutil", "platform", "posix", "posixpath", "profile", "pty", "pydoc", "requests",
    "runpy", "shelve", "shutil", "signal", "site", "smtplib", "socket", "socketserver", "sqlite3", "ssl",
    "subprocess", "sys", "telnetlib", "tempfile", "threading", "timeit", "trace", "urllib", "urllib2", "venv",
    "webbrowser", "xmlrpc", "zipfile", "zipimport",
}  # fmt: skip
_DANGEROUS_BUILTINS = {
    "__import__", "breakpoint", "compile", "delattr", "eval", "exec", "execfile", "exit", "file", "globals", "help",
    "input", "locals", "memoryview", "open", "quit", "raw_input", "reload", "setattr", "vars",
}  # fmt: skip
_DANGEROUS_NAMES = {
    "torch.load",
    "torch.save",
    "torch.hub.load",
    "torch.serialization.load",
    "torch.storage._load_from_bytes",
    "numpy.load",
    "numpy.testing._private.utils.runstring",
    "types.CodeType",
    "types.FunctionType",
    "functools.reduce",
    "operator.methodcaller",
}
_BUILTINS = {"builtins", "__builtin__"}


def foreign_names(names: Iterable[Global]) -> list[str]:
    """The Globals among `names` that no plain state dict has, as text."""
    return [str(name) for name in names if not _is_plain(name)]


def dangerous_names(names: Iterable[Global], called: Iterable[Global]) -> list[str]:
    """The Globals that only code would use, as text: commands, and calls of methods or of the result of a call."""
    found = [str(name) for name in names if _is_dangerous(name)]
    # "Path.touch" called is a method that runs; an object that is being rebuilt calls its class
    methods = [
        name for name in called if "." in name.name and name.name.split(".")[-1][:1].islower()
    ]
    results = [name for name in called if not name.module]
    return found + [str(name) for name in methods] + [name.name for name in results]


def _is_plain(name: Global) -> bool:
    return str(name) in _PLAIN or _PLAIN_TORCH.fullmatch(str(name)) is not None


def _is_dangerous(name: Global) -> bool:
    if name.module in _BUILTINS:
        return name.name.split(".")[0] in _DANGEROUS_BUILTINS
    return name.module.split(".")[0] in _DANGEROUS_MODULES or str(name) in _DANGEROUS_NAMES
