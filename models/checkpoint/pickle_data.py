"""A pickle read as data: nothing in it is imported, built or called.

A pickle is a little program for a stack machine. Python's own machine imports what the program names and
calls it, which is how a checkpoint can run code. The machine here only writes down what would have been
done: a name becomes a `Global`, a call becomes a `Call` with its arguments, an object's state is skipped.
Containers, numbers and strings come out as themselves; sets come out as lists.
"""

import io
import pickletools
import struct
from dataclasses import dataclass

# how much of a pickle is read at most; a KeyVID file's own is about one megabyte, a trainer's a few
MAX_PICKLE_BYTES = 1 << 25
MAX_OPCODES = 4_000_000


class PickleDataError(Exception):
    """The bytes are no pickle, or one that nobody's `torch.save` writes; the text says why."""


@dataclass(frozen=True)
class Global:
    """A name that the pickle would import."""

    module: str
    name: str

    def __str__(self):
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, eq=False)
class Call:
    """A call that the pickle would make; `function` is a Global, or whatever else stood there."""

    function: object
    arguments: tuple


@dataclass(frozen=True, eq=False)
class PersistentId:
    """What the pickle leaves to the file around it: in PyTorch's files, a storage."""

    value: object


@dataclass(frozen=True)
class Pickle:
    """What was read: the value, and, in order of appearance, every Global named, every one called (keys of dicts)
    and every value of a persistent id."""

    value: object
    globals: dict
    called: dict
    persistent: list


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


def read_pickle(stream):
    """The next Pickle in a binary stream or bytes; the stream is left right behind it. Raises PickleDataError."""
    if isinstance(stream, (bytes, bytearray)):
        stream = io.BytesIO(stream)
    machine = _Machine()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(_Bounded(stream))):
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

    def __init__(self, stream):
        self.stream, self.left = stream, MAX_PICKLE_BYTES

    def read(self, count):
        if count > self.left:
            raise PickleDataError(_TOO_LONG)
        return self._counted(self.stream.read(count))

    def readline(self):
        return self._counted(self.stream.readline(self.left))

    def _counted(self, data):
        self.left -= len(data)
        return data


def _pair(value):
    """A key and its value; anything else could be unpacked into far more than the file holds."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise TypeError("a dictionary is made of something else than pairs")
    return value


class _Machine:
    """The stack, the memo and the notes."""

    def __init__(self):
        self.stack, self.memo = [], {}
        self.globals, self.called, self.persistent = {}, {}, []

    def step(self, name, argument):
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

    def _last(self, count):
        if len(self.stack) < count:
            raise IndexError("the stack is empty")
        return self.stack[-count:]

    def _to_mark(self):
        """The items since the last mark, taken off together with it."""
        for index in range(len(self.stack) - 1, -1, -1):
            if self.stack[index] is _MARK:
                items = self.stack[index + 1 :]
                del self.stack[index:]
                return items
        raise IndexError("a mark is missing")

    # stack and memo
    def _mark(self):
        self.stack.append(_MARK)

    def _pop(self):
        self.stack.pop()

    def _pop_mark(self):
        self._to_mark()

    def _dup(self):
        self.stack.append(self.stack[-1])

    def _stop(self):
        pass

    def _put(self, index):
        self.memo[index] = self.stack[-1]

    def _memoize(self):
        self.memo[len(self.memo)] = self.stack[-1]

    def _get(self, index):
        self.stack.append(self.memo[index])

    _binput = _long_binput = _put
    _binget = _long_binget = _get

    # containers
    def _list(self):
        self.stack.append(self._to_mark())

    def _tuple(self):
        self.stack.append(tuple(self._to_mark()))

    _frozenset = _list

    def _dict(self):
        items = self._to_mark()
        self.stack.append({})
        self._set_items(items)

    def _append(self):
        self._extend([self.stack.pop()])

    def _appends(self):
        self._extend(self._to_mark())

    _additems = _appends

    def _extend(self, items):
        if isinstance(self.stack[-1], list):  # an object that would have been a list stays a Call
            self.stack[-1].extend(items)

    def _setitem(self):
        value, key = self.stack.pop(), self.stack.pop()
        self._set_items([key, value])

    def _setitems(self):
        self._set_items(self._to_mark())

    def _set_items(self, items):
        target = self.stack[-1]
        if isinstance(target, dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                # a tuple would be hashed to any depth; no name of a tensor is one
                target[key if isinstance(key, (*_KEYS, Global)) else Call(None, (key,))] = value

    # what would import, build and call
    def _global(self, argument):
        self._name(*argument.split(" ", 1))

    def _stack_global(self):
        name, module = self.stack.pop(), self.stack.pop()
        if not isinstance(module, str) or not isinstance(name, str):
            raise TypeError("a name is no text")
        self._name(module, name)

    def _ext1(self, code):
        self._name("copyreg", f"extension {code}")

    _ext2 = _ext4 = _ext1

    def _name(self, module, name):
        found = Global(module, name)
        self.globals[found] = None
        self.stack.append(found)

    def _call(self, function, arguments):
        if isinstance(function, Global):
            self.called[function] = None
            if (function.module, function.name) in _DICTS:
                self.stack.append({})
                if arguments and isinstance(arguments[0], list):  # [[key, value], ...]
                    self._set_items([part for pair in arguments[0] for part in _pair(pair)])
                return
        else:  # the outcome of another call is called, or worse
            self.called[Global("", "the outcome of another call")] = None
        self.stack.append(Call(function, arguments))

    def _reduce(self):
        arguments, function = self.stack.pop(), self.stack.pop()
        self._call(function, arguments if isinstance(arguments, tuple) else (arguments,))

    _newobj = _reduce

    def _newobj_ex(self):
        self.stack.pop()  # keyword arguments
        self._reduce()

    def _inst(self, argument):
        items = self._to_mark()
        self._name(*argument.split(" ", 1))
        self._call(self.stack.pop(), tuple(items))

    def _obj(self):
        function, *items = self._to_mark()
        self._call(function, tuple(items))

    def _build(self):
        self.stack.pop()  # the state of an object that is never made

    def _persid(self, argument):
        self.persistent.append(argument)
        self.stack.append(PersistentId(argument))

    def _binpersid(self):
        self._persid(self.stack.pop())
