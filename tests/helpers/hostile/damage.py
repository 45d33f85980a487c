"""Files as a bad disk, a broken download or somebody who means harm would hand them over."""

NUMBERS = (
    b"\0" * 4,
    b"\xff" * 4,
    b"\x7f" + b"\xff" * 3,
    b"\xff" * 7 + b"\x7f",
    b"\x80",
    b"\x00\x01",
)


def damaged(data, rng, *, front=1.0):
    """A copy of a file's bytes, damaged at one to four places; rng: random.Random.

    front: the part of the file, from its beginning, where the damage is; headers are there.
    """
    data = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        end = max(2, round(len(data) * front))
        at = rng.randrange(min(end, max(len(data), 1)))
        until = min(len(data), at + rng.choice((1, 2, 8, 100, 5000)))
        kind = rng.randrange(7)
        if kind == 0:
            del data[at:]
        elif kind == 1:
            del data[at:until]
        elif kind == 2:
            data[at:at] = data[at:until]
        elif kind == 3:
            data[at:until] = bytes(until - at)
        elif kind == 4:
            data[at:until] = rng.randbytes(until - at)
        elif kind == 5:
            number = rng.choice(NUMBERS)
            data[at : at + len(number)] = number
        elif data:
            data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def places(value):
    """(container, key) of everything inside a JSON value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, one in list(inside):
        yield value, key
        if isinstance(one, dict | list):
            yield from places(one)
