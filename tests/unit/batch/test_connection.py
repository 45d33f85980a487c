"""What is asked of a server that loses answers, or is busy."""

import io
from types import SimpleNamespace

import pytest
from keyvid_pack.tools.batch import connection

from ...helpers.graphs.fake_comfyui import running_fake

GRAPH = {"p": {"class_type": "X", "inputs": {"text": "a clip"}}}
PROMPT_ID = "2b7d6f0e"


@pytest.mark.parametrize("holds", [True, False])
@pytest.mark.parametrize("loses", [["answer"], ["request"], ["request", "answer"]])
def test_a_graph_whose_answer_is_lost_runs_once(monkeypatch, loses, holds):
    """The fake refuses an id that it has already. Whether the graph waits or has ended by then is the same."""
    monkeypatch.setattr(connection, "RETRY_S", 0)
    with running_fake(loses=loses, holds=holds) as (url, fake, _):
        server = connection.Connection(url)
        server.queue(GRAPH, PROMPT_ID)
        assert fake.loses == [] and server.is_queued(PROMPT_ID) == holds
        fake.may_run.set()
        assert server.result(PROMPT_ID) is not None
        assert fake.n_runs == 1


class Clock:
    """Time that passes only while something waits."""

    def __init__(self):
        self.now_s = 0.0

    def monotonic(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds


@pytest.mark.parametrize(("n_silent", "gone"), [(1, False), (2, True)])
def test_a_server_that_is_silent_once_is_asked_again(monkeypatch, n_silent, gone):
    clock, asked = Clock(), []

    def open_url(_request, timeout):
        asked.append(timeout)
        if len(asked) <= n_silent:
            clock.sleep(timeout)
            raise TimeoutError("timed out")
        return io.BytesIO(b"{}")

    monkeypatch.setattr(connection, "time", clock)
    monkeypatch.setattr(connection, "_OPENER", SimpleNamespace(open=open_url))
    server = connection.Connection("http://a")
    if gone:
        with pytest.raises(connection.ServerGoneError, match="does not answer any more"):
            server.result(PROMPT_ID)
    else:
        assert server.result(PROMPT_ID) is None
    assert len(asked) == 2


def test_a_server_that_refuses_connections_is_given_up_after_half_a_minute(monkeypatch):
    clock = Clock()

    def open_url(_request, timeout):
        raise ConnectionRefusedError

    monkeypatch.setattr(connection, "time", clock)
    monkeypatch.setattr(connection, "_OPENER", SimpleNamespace(open=open_url))
    with pytest.raises(connection.ServerGoneError):
        connection.Connection("http://a").result(PROMPT_ID)
    assert 30 <= clock.now_s <= 30 + 2 * connection.RETRY_S
