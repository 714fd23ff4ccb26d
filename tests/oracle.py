"""The recorded streams, and a loopback server that gives one body to the vendors' own SDKs.

The SDK's reading of the same bytes is an independent judge of our decoders.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

WIRE = Path(__file__).resolve().parents[2] / "shared" / "wire"
"""Where the recorded streams are, if they are here."""


def recorded(dialect: str) -> list[str]:
    """Paths of the streams of a dialect, below `WIRE`; none if they are not here."""
    index = WIRE / "INDEX.jsonl"
    if not index.exists():
        return []
    rows: list[dict[str, Any]] = [
        json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()
    ]
    return [row["file"] for row in rows if row["dialect"] == dialect and row["kind"] == "sse"]


@contextmanager
def serve(
    body: bytes, content_type: str = "text/event-stream", status: int = 200
) -> Generator[str, None, None]:
    """Answer every POST, on any path, with `body`. Yields the URL without a trailing slash."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", "0")))
            self.send_response(status)
            self.send_header("content-type", content_type)
            self.send_header("content-length", str(len(body)))
            self.send_header("connection", "close")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Stay silent."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.005}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
