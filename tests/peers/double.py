"""A double of an HTTP service: says what it has seen as lines of JSON, and answers otherwise for a while when told to.

The first line on stdout is {"port": …}. Besides what it stands for, a double answers
  GET  /seen             everything it has seen, as a JSON array
  POST /answers          an array of {"status": 503, "headers": {…}, "body": …}: what the next requests get instead
"""
import argparse
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Refusal(Exception):
    """The double's own answer to a request that is not as it should be."""

    def __init__(self, status, reason):
        super().__init__(reason)
        self.status, self.reason = status, reason


class Double:
    def __init__(self, take):
        """`take(path, headers, body)` gives the status and what was understood, or raises Refusal."""
        self.take, self.seen, self.answers, self.lock = take, [], [], threading.Lock()

    def handle(self, path, headers, body):
        """The status, headers and body of the answer."""
        with self.lock:
            if path == "/answers":
                self.answers += json.loads(body)
                return 204, {}, b""
            planned = self.answers.pop(0) if self.answers else None
        note = {"path": path, "content_type": headers.get("content-type"), "bytes": len(body)}
        if planned:
            status, answer = planned["status"], planned.get("body", "planned").encode()
        else:
            try:
                status, note["understood"] = self.take(path, headers, body)
                answer = b""
            except Refusal as refusal:
                status, note["refused"] = refusal.status, refusal.reason
                answer = refusal.reason.encode()
        note["status"] = status
        with self.lock:
            self.seen.append(note)
            print(json.dumps(note), flush=True)
        return status, (planned or {}).get("headers", {}), answer

    def serve(self, port):
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.path != "/seen":
                    return self.answer(404, {}, b"")
                with double.lock:
                    return self.answer(200, {"Content-Type": "application/json"}, json.dumps(double.seen).encode())

            def do_POST(self):
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                self.answer(*double.handle(self.path, self.headers, body))

            def answer(self, status, headers, body):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        print(json.dumps({"port": server.server_port}), flush=True)
        server.serve_forever()


def arguments(description):
    """A parser that knows --port already."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    return parser
