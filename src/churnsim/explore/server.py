"""The page on loopback alone: who does not have its address, with the token in it, gets nothing.

A page of another site cannot reach it either: its requests have another Host (a name that was made to point here) or
another Origin, and those with a body must be JSON, which a browser asks about first and is not told.
"""

from __future__ import annotations

import hmac
import json
import secrets
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

from churnsim.errors import ChurnSimError, ConfigError
from churnsim.explore.page import LivePage
from churnsim.explore.session import Explorer
from churnsim.explore.variant import Variant

HOST = "127.0.0.1"
LARGEST = 256 * 1024  # bytes of a request
PATIENCE = 20  # seconds for a request to come in whole
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)


class ExploreServer(ThreadingHTTPServer):
    """Serves one explorer; `address` is what a browser is given.

    Raises ConfigError for a port that cannot be had.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, explorer: Explorer, *, port: int = 0) -> None:
        if not 0 <= port <= 65_535:
            raise ConfigError(f"a port is a number from 1 to 65535, or 0 for any that is free; got {port}.")
        self.explorer, self.page = explorer, LivePage(explorer)
        self.token = secrets.token_urlsafe(24)
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigError(
                f"port {port} cannot be had: {reason}. Take another, or none for any that is free."
            ) from None

    def server_bind(self) -> None:
        """Without asking a name server what this machine is called."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = HOST, self.socket.getsockname()[1]

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_port}/{self.token}/"


class _Handler(BaseHTTPRequestHandler):
    server: ExploreServer
    timeout = PATIENCE
    server_version, sys_version = "churnsim", ""

    def do_GET(self) -> None:
        """The page, or how far a request has come."""
        asked = self._asked()
        if asked == "":
            text, script = self.server.page.html()
            self._answer(HTTPStatus.OK, text.encode(), "text/html", policy=POLICY + script)
        elif asked == "state":
            self._json(HTTPStatus.OK, self.server.page.state(self.server.explorer.state))
        elif asked is not None:
            self._refuse(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Simulate a change, or save it."""
        asked = self._asked()
        if asked is None:
            return
        if asked not in ("simulate", "save"):
            self._refuse(HTTPStatus.NOT_FOUND)
            return
        body = self._body()
        if body is None:
            return
        try:
            self._json(HTTPStatus.OK, getattr(self, f"_{asked}")(body))
        except ChurnSimError as error:
            self._json(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(error)})

    def _simulate(self, body: bytes) -> dict[str, Any]:
        return {"number": self.server.explorer.begin(Variant.of_json(body))}

    def _save(self, body: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(body)
            name, change = asked["name"], json.dumps(asked["change"])
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ConfigError("a request to save holds a name and a change.") from None
        path, text = self.server.explorer.save(Variant.of_json(change), name)
        return {"path": str(path), "text": text}

    def _asked(self) -> str | None:
        """What is asked for, behind the token; None where the request was refused."""
        known = {f"{HOST}:{self.server.server_port}", f"localhost:{self.server.server_port}"}
        origin, site = self.headers.get("Origin"), self.headers.get("Sec-Fetch-Site", "none")
        foreign = origin is not None and origin not in {f"http://{host}" for host in known}
        if self.headers.get("Host") not in known or foreign or site not in ("none", "same-origin"):
            self._refuse(HTTPStatus.FORBIDDEN)
            return None
        _, _, rest = self.path.partition("/")
        token, slash, asked = rest.partition("/")
        if not slash or not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.NOT_FOUND)
            return None
        return asked

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if self.headers.get_content_type() != "application/json":
            self._refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        elif not length.isdecimal():
            self._refuse(HTTPStatus.LENGTH_REQUIRED)
        elif int(length) > LARGEST:
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            return self.rfile.read(int(length))
        return None

    def _json(self, status: HTTPStatus, content: dict[str, Any]) -> None:
        self._answer(status, json.dumps(content, ensure_ascii=False).encode(), "application/json")

    def _refuse(self, status: HTTPStatus) -> None:
        self._answer(status, status.phrase.encode(), "text/plain")

    def _answer(self, status: HTTPStatus, body: bytes, kind: str, *, policy: str = "default-src 'none'") -> None:
        self.send_response(status)
        headers = {
            "Content-Type": f"{kind}; charset=utf-8", "Content-Length": str(len(body)),
            "Content-Security-Policy": policy, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
            "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Opener-Policy": "same-origin",
        }  # fmt: skip
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A request that is none: a page of its own would say what was sent."""
        self._refuse(HTTPStatus(code))

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a log would hold the token."""
