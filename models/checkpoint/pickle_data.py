"""A pickle read as data: nothing in it is imported, built or called.

A pickle is a little program for a stack machine. Python's own machine imports what the program names and
calls it, which is how a checkpoint can run code. The machine here only writes down what would have been
done: a name becomes a `Global`, a call becomes a `Call` with its arguments, an object's state is skipped.
Containers, numbers and strings come out as themselves; sets come out as lists.
"""

import io
import pickletools
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, Any, cast

# how much of a pickle is read at most; a KeyVID file's own is about one megabyte, a trainer's a few
MAX_PICKLE_BYTES = 1 << 25
MAX_OPCODES = 4_000_000


class PickleDataError(Exception):
    """The bytes are not a pickle, or not one that `torch.save` writes; the text says why."""


@dataclass(frozen=True)
class Global:
    """A name that the pickle would import."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, eq=False)
class Call:
    """A call that the pickle would make; `function` is a Global, or whatever else is in its place."""

    function: object
    arguments: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class PersistentId:
    """What the pickle leaves to the file around it: in PyTorch's files, a storage."""

    value: Any


@dataclass(frozen=True)
class Pickle:
    """What was read: the value, and, in order of appearance, every Global named, every one called (keys of dicts)
    and every value of a persistent id."""

    value: Any
    globals: dict[Global, None]
    called: dict[Global, None]
    persistent: list[Any]


_MARK = object()
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "EMPTY_SET": list}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_LITERALS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
}  # fmt: skip
_KEYS = (str, int, float, bytes, type(None))  # bool is an int; Global counts too
_DICTS = {("collections", "OrderedDict"), ("builtins", "dict"), ("__builtin__", "dict")}
_IGNORED = {"PROTO", "FRAME"}
_TOO_LONG = "its list of names is unreasonably long"


def read_pickle(stream: IO[bytes] | bytes | bytearray) -> Pickle:
    """The next Pickle in a binary stream or bytes; the stream is left right behind it. Raises PickleDataError."""
    if isinstance(stream, (bytes, bytearray)):
        stream = io.BytesIO(stream)
    machine = _Machine()
    try:
        bounded = cast(IO[bytes], _Bounded(stream))  # genops calls read and readline alone
        for count, (opcode, argument, _) in enumerate(pickletools.genops(bounded)):
            if count >= MAX_OPCODES:
                raise PickleDataError(_TOO_LONG)
            machine.step(opcode.name, argument)
        return Pickle(machine.stack.pop(), machine.globals, machine.called, machine.persistent)
    except (
        ValueError,
        KeyError,
        IndexError,
        TypeError,
        EOFError,
        OverflowError,
        struct.error,
    ) as error:
        raise PickleDataError(f"its pickle is damaged ({error})") from error


class _Bounded:
    """A stream that gives MAX_PICKLE_BYTES at most, whatever length a damaged pickle asks for."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream, self.left = stream, MAX_PICKLE_BYTES

    def read(self, count: int) -> bytes:
        if count > self.left:
            raise PickleDataError(_TOO_LONG)
        return self._counted(self.stream.read(count))

    def readline(self) -> bytes:
        return self._counted(self.stream.readline(self.left))

    def _counted(self, data: bytes) -> bytes:
        self.left -= len(data)
        return data


def _pair(value: object) -> Sequence[Any]:
    """A key and its value; anything else could be unpacked into far more than the file holds."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise TypeError("a dictionary is made of something else than pairs")
    return value


class _Machine:
    """The stack, the memo and the notes."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.globals: dict[Global, None] = {}
        self.called: dict[Global, None] = {}
        self.persistent: list[Any] = []

    def step(self, name: str, argument: Any) -> None:
        """Carry out one opcode, by its name in pickletools. Raises PickleDataError for one that torch never writes."""
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            count = _TUPLES[name]
            self.stack[-count:] = [tuple(self._last(count))]
        elif name not in _IGNORED:
            action = getattr(self, f"_{name.lower()}", None)
            if action is None:
                raise PickleDataError(f"its pickle uses {name}, which PyTorch never writes")
            action() if argument is None else action(argument)

    def _last(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise IndexError("the stack is empty")
        return self.stack[-count:]

    def _to_mark(self) -> list[Any]:
        """The items since the last mark, taken off together with it."""
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] is _MARK:
                items = self.stack[index + 1 :]
                del self.stack[index:]
                return items
        raise IndexError("a mark is missing")

    # stack and memo
    def _mark(self) -> None:
        self.stack.append(_MARK)

    def _pop(self) -> None:
        self.stack.pop()

    def _pop_mark(self) -> None:
        self._to_mark()

    def _dup(self) -> None:
        self.stack.append(self.stack[-1])

    def _stop(self) -> None:
        pass

    def _put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def _memoize(self) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    _binput = _long_binput = _put
    _binget = _long_binget = _get

    # containers
    def _list(self) -> None:
        self.stack.append(self._to_mark())

    def _tuple(self) -> None:
        self.stack.append(tuple(self._to_mark()))

    _frozenset = _list

    def _dict(self) -> None:
        items = self._to_mark()
        self.stack.append({})
        self._set_items(items)

    def _append(self) -> None:
        self._extend([self.stack.pop()])

    def _appends(self) -> None:
        self._extend(self._to_mark())

    _additems = _appends

    def _extend(self, items: Sequence[Any]) -> None:
        if isinstance(self.stack[-1], list):  # an object that would have been a list stays a Call
            self.stack[-1].extend(items)

    def _setitem(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    def _setitems(self) -> None:
        self._set_items(self._to_mark())

    def _set_items(self, items: Sequence[Any]) -> None:
        target = self.stack[-1]
        if isinstance(target, dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                # a tuple would be hashed to any depth; no name of a tensor is one
                target[key if isinstance(key, (*_KEYS, Global)) else Call(None, (key,))] = value

    # what would import, build and call
    def _global(self, argument: str) -> None:
        self._name(*argument.split(" ", 1))

    def _stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name is no text")
        self._name(module, name)

    def _ext1(self, code: int) -> None:
        self._name("copyreg", f"extension {code}")

    _ext2 = _ext4 = _ext1

    def _name(self, module: str, name: str) -> None:
        found = Global(module, name)
        self.globals[found] = None
        self.stack.append(found)

    def _call(self, function: object, arguments: tuple[Any, ...]) -> None:
        if isinstance(function, Global):
            self.called[function] = None
            if (function.module, function.name) in _DICTS:
                self.stack.append({})
                if arguments and isinstance(arguments[0], list):  # [[key, value], ...]
                    self._set_items([part for pair in arguments[0] for part in _pair(pair)])
                return
        else:  # the result of another call is called, or worse
            self.called[Global("", "the outcome of another call")] = None
        self.stack.append(Call(function, arguments))

    def _reduce(self) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        self._call(function, arguments if isinstance(arguments, tuple) else (arguments,))

    _newobj = _reduce

    def _newobj_ex(self) -> None:
        self.stack.pop()  # keyword arguments
        self._reduce()

    def _inst(self, argument: str) -> None:
        items = self._to_mark()
        self._name(*argument.split(" ", 1))
        self._call(self.stack.pop(), tuple(items))

    def _obj(self) -> None:
        function, *items = self._to_mark()
        self._call(function, tuple(items))

    def _build(self) -> None:
        self.stack.pop()  # the state of an object that is never made

    def _persid(self, argument: Any) -> None:
        self.persistent.append(argument)
        self.stack.append(PersistentId(argument))

    def _binpersid(self) -> None:
        self._persid(self.stack.pop())
