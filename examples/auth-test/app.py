"""An app with its own bearer authentication: tenement hands it every header as the visitor sent it.

The token is made at the first start and kept in the instance's own directory, so each customer has another one.
"""

import hmac
import json
import os
import secrets
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

TOKEN_FILE = os.path.join(os.environ["DATA_DIR"], "token")
TENANT = os.environ.get("TENEMENT_INSTANCE", "nobody")


def own_token():
    try:
        with open(TOKEN_FILE, encoding="ascii") as file:
            return file.read().strip()
    except FileNotFoundError:
        token = secrets.token_hex(32)
        with open(os.open(TOKEN_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(token + "\n")
        return token


TOKEN = own_token()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            self.answer(200, {"status": "ok"})
            return
        given = self.headers.get("Authorization", "")
        if not given.startswith("Bearer "):
            self.answer(401, {"error": "a bearer token is needed"}, [("WWW-Authenticate", 'Bearer realm="app"')])
        elif not hmac.compare_digest(given.removeprefix("Bearer ").encode(), TOKEN.encode()):
            self.answer(403, {"error": "this token is not the one of this customer"})
        elif self.path == "/whoami":
            self.answer(200, {"tenant": TENANT})
        elif self.path == "/headers":
            # As they arrived: order, repeats and spelling included.
            self.answer(200, {"headers": self.headers.items()})
        else:
            self.answer(404, {"error": "no such page"})

    def answer(self, status, body, headers=()):
        data = (json.dumps(body) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code="-", size="-"):
        if self.path != "/health":
            super().log_request(code, size)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
