"""Queues a graph on a running ComfyUI and follows it to its end. Needs aiohttp, which ComfyUI has."""

import asyncio
import json
import threading
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp

Run = tuple[dict, list[tuple[str, Any]]]  # history entry, [(event type, data), ...]

_ENDS = ("execution_error", "execution_interrupted")
_RECORD_TRIES = 6000  # every 0.05 s, so five minutes and more on a busy machine


async def run(
    url: str,
    prompt: dict,
    *,
    on_event: Callable[[str, Any], object] | None = None,
    timeout_s: float | None = None,
    **extra: Any,
) -> Run:
    """Queue an API-format graph: (history entry, [(event type, data), ...]).

    A graph that is refused gives the server's response ({"error", "node_errors"}) and no events.
    Raises TimeoutError (asyncio's) after `timeout_s` seconds, ConnectionError if the server goes away.
    """
    return await asyncio.wait_for(_run(url, prompt, on_event, extra), timeout_s)


def run_blocking(url: str, prompt: dict, **options: Any) -> Run:
    """`run` for callers without an event loop of their own, or with one that is busy (Playwright's)."""
    outcome = {}

    def work() -> None:
        try:
            outcome["result"] = asyncio.run(run(url, prompt, **options))
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():  # joining without a limit would hold Ctrl-C back on Windows
        thread.join(0.2)
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]


async def _run(
    url: str, prompt: dict, on_event: Callable[[str, Any], object] | None, extra: dict
) -> Run:
    client_id, events = uuid.uuid4().hex, []
    socket_url = f"{url}/ws?clientId={client_id}"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            socket_url, max_msg_size=0
        ) as socket,  # before queueing: no event is missed
    ):
        body = {"prompt": prompt, "client_id": client_id, **extra}
        async with session.post(f"{url}/prompt", json=body) as response:
            queued = await response.json()
            if response.status != 200:
                return queued, events
        async for kind, data in _events(socket):
            events.append((kind, data))
            if on_event:
                on_event(kind, data)
            if kind in _ENDS or (kind == "executing" and data["node"] is None):
                break
        else:
            raise ConnectionError("ComfyUI closed the connection before the graph was done.")
        # the history entry is written just after the last event
        for _ in range(_RECORD_TRIES):
            async with session.get(f"{url}/history/{queued['prompt_id']}") as response:
                entry = (await response.json()).get(queued["prompt_id"])
            if entry:
                return entry, events
            await asyncio.sleep(0.05)
    raise ConnectionError("ComfyUI ran the graph but keeps no record of it.")


async def _events(
    socket: "aiohttp.ClientWebSocketResponse[bool]",
) -> AsyncIterator[tuple[str, Any]]:
    async for message in socket:
        if message.type == aiohttp.WSMsgType.TEXT:
            event = json.loads(message.data)
            yield event["type"], event["data"]
        elif message.type == aiohttp.WSMsgType.BINARY:  # preview images
            yield "binary", message.data
