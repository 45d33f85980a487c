"""The routes of ComfyUI that a batch uses, without ComfyUI: it "renders" a graph by hashing it."""

import contextlib
import hashlib
import json
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeComfyUI:
    """state: what is queued, done and uploaded. Made by `running_fake`.

    holds: run nothing until `may_run` is set. fails: names of clips' prompts that end in an error. loses: what is lost
    of graphs that are sent, one after the other: "request" before it arrives, or "answer". page: in place of an answer
    to everything, as of another program.
    """

    def __init__(self, *, holds=False, fails=(), loses=(), page=b""):
        self.queued, self.history, self.uploads, self.n_runs = {}, {}, [], 0
        self.may_run, self.fails = threading.Event(), set(fails)
        self.has_queued, self.loses, self.page = threading.Event(), list(loses), page
        self.lock = threading.Lock()
        if not holds:
            self.may_run.set()

    def run_waiting(self):
        """Run all that is queued, as far as it may run."""
        if not self.may_run.is_set():
            return
        with self.lock:
            for prompt_id, graph in list(self.queued.items()):
                self.n_runs += 1
                self.history[prompt_id] = self._entry(graph)
                del self.queued[prompt_id]

    def _entry(self, graph):
        text = graph["p"]["inputs"]["text"]
        if text in self.fails:
            data = {"node_id": "p", "exception_message": "It cannot be painted."}
            return {"status": {"messages": [["execution_error", data]]}, "outputs": {}}
        name = f"{video_of(graph).hex()[:20]}.mp4"
        item = {"filename": name, "subfolder": "x", "type": "output"}
        self.history.setdefault("files", {})[name] = video_of(graph)
        return {"status": {"messages": []}, "outputs": {"s": {"images": [item]}}}


def video_of(graph):
    """What a graph is rendered to."""
    return hashlib.sha512(json.dumps(graph, sort_keys=True).encode()).digest()


@contextlib.contextmanager
def running_fake(**options):
    """(url, FakeComfyUI, end): `end()` takes the server away as a crash does."""
    fake = FakeComfyUI(**options)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    server.daemon_threads = True
    thread = threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True)
    thread.start()

    def end():
        server.shutdown()
        server.server_close()

    try:
        yield f"http://127.0.0.1:{server.server_port}", fake, end
    finally:
        end()


def _handler(fake):
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def _send(self, content, code=200):
            self.send_response(code)
            self.end_headers()
            self.wfile.write(
                content if isinstance(content, bytes) else json.dumps(content).encode()
            )

        def do_GET(self):
            if fake.page:
                self._send(fake.page)
                return
            fake.run_waiting()
            path = urllib.parse.urlparse(self.path)
            if path.path == "/queue":
                items = [[0, prompt_id] for prompt_id in fake.queued]
                self._send({"queue_running": [], "queue_pending": items})
            elif path.path == "/view":
                name = urllib.parse.parse_qs(path.query)["filename"][0]
                self._send(fake.history["files"][name])
            else:
                wanted = path.path.removeprefix("/history").strip("/")
                known = {k: v for k, v in fake.history.items() if k != "files"}
                self._send({k: v for k, v in known.items() if not wanted or k == wanted})

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/upload/image":
                fake.uploads.append(body)
                self._send({})
                return
            request = json.loads(body)
            if request["prompt"]["p"]["inputs"]["text"] == "refused":
                error = {"message": "The value is too large", "details": "n_frames"}
                node = {"errors": [error]}
                self._send({"error": {"message": "x"}, "node_errors": {"p": node}}, 400)
                return
            lost = fake.loses.pop(0) if fake.loses else ""
            if lost == "request":
                return  # the connection ends without an answer
            assert (
                request["prompt_id"] not in fake.queued and request["prompt_id"] not in fake.history
            )
            fake.queued[request["prompt_id"]] = request["prompt"]
            fake.has_queued.set()
            if lost == "answer":
                return
            self._send({"prompt_id": request["prompt_id"]})

    return Handler
