"""A pickle is data: containers as they are, names and calls as records, endless and broken ones given up."""

import collections
import pickle

import pytest
from keyvid_pack.models.checkpoint import pickle_data


def test_a_pickle_is_data():
    """Containers and numbers come out as pickle reads them; names and calls as records."""
    plain = {
        "list": [1, 2.5, None, True, "text", b"bytes", 2**70, -3],
        "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        "nested": {1: {"a": [[]]}},
        "ordered": collections.OrderedDict(a=1, b=2),
    }
    plain["again"] = plain["list"]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        read = pickle_data.read_pickle(pickle.dumps(plain, protocol=protocol))
        expected = dict(plain)
        if protocol < 3:  # bytes are a call there
            assert isinstance(read.value["list"][5], pickle_data.Call)
            expected["list"] = expected["again"] = [
                *plain["list"][:5],
                read.value["list"][5],
                *plain["list"][6:],
            ]
        assert read.value == expected
        assert read.value["again"] is read.value["list"]


DEPTH = 200_000
DEEP = b"(" * DEPTH + b"t" * DEPTH  # a tuple in a tuple in a tuple ...


def test_deep_nesting_is_read_to_the_bottom():
    value, depth = pickle_data.read_pickle(DEEP + b".").value, 1
    while value:
        (value,) = value
        depth += 1
    assert (value, depth) == ((), DEPTH)


def test_a_key_is_not_hashed_to_the_bottom():
    ((key, value),) = pickle_data.read_pickle(b"}" + DEEP + b"Ns.").value.items()
    assert isinstance(key, pickle_data.Call) and isinstance(key.arguments[0], tuple)
    assert value is None


RUBBISH = (b"", b"\x80", b"N", b"0.", b"R.", b"}K\x01K\x02", b"\x80\x02]q\x00h\x05.", b"t.")


@pytest.mark.parametrize("data", RUBBISH)
def test_rubbish_is_no_pickle(data):
    with pytest.raises(pickle_data.PickleDataError, match="pickle"):
        pickle_data.read_pickle(data)


def test_bytes_that_are_promised_but_not_there_are_missed():
    for length in (2**31, 2**40, 2**63 - 1):  # promised, but not there
        for code in (b"\x8e", b"\x8d", b"\x96"):
            with pytest.raises(pickle_data.PickleDataError):
                pickle_data.read_pickle(code + length.to_bytes(8, "little"))


def test_endless_pickles_are_given_up(monkeypatch):
    with pytest.raises(pickle_data.PickleDataError, match="unreasonably long"):
        pickle_data.read_pickle(b"\x8e" + (1 << 25).to_bytes(8, "little"))
    monkeypatch.setattr(pickle_data, "MAX_OPCODES", 1000)
    assert pickle_data.read_pickle(b"]" * 999 + b".").value == []
    with pytest.raises(pickle_data.PickleDataError, match="unreasonably long"):
        pickle_data.read_pickle(b"]" * 1000 + b".")


def test_a_dictionary_is_made_of_pairs_alone():
    """A long text named many times as a "pair" would become as many lists of letters."""
    made = b"ccollections\nOrderedDict\n(%stR."
    good = made % b"(lp0\n(S'a'\nK\x01la"
    assert pickle_data.read_pickle(good).value == {"a": 1}
    for bad in (b"S'ab'\n", b"(S'a'\nl", b"(S'a'\nK\x01K\x02l", b"K\x01"):
        with pytest.raises(pickle_data.PickleDataError, match="pairs"):
            pickle_data.read_pickle(made % (b"(l" + bad + b"a"))
