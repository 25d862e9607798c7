"""Notes behind a bearer token, in Python with SQLite."""

import hmac
import json
import os
import secrets
import signal
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

DATA_DIR = os.environ["DATA_DIR"]
TENANT = os.environ.get("TENEMENT_INSTANCE", "nobody")
MAX_NOTE = 64 * 1024

os.makedirs(DATA_DIR, exist_ok=True)
db = sqlite3.connect(os.path.join(DATA_DIR, "notes.db"))
db.execute("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
db.execute("CREATE TABLE IF NOT EXISTS secret (id INTEGER PRIMARY KEY CHECK (id = 1), token TEXT NOT NULL)")
db.execute("INSERT OR IGNORE INTO secret VALUES (1, ?)", (secrets.token_hex(32),))
db.commit()
(TOKEN,) = db.execute("SELECT token FROM secret").fetchone()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            self.answer(200, {"status": "ok", "tenant": TENANT, "runtime": "python"})
        elif self.path == "/token":
            # A real app would never give it away; here it lets the test script play both customers.
            self.answer(200, {"token": TOKEN})
        elif self.path == "/notes":
            if self.authorized():
                self.answer(200, self.notes())
        else:
            self.answer(404, {"error": "no such page"})

    def do_POST(self):
        if self.path != "/notes":
            self.answer(404, {"error": "no such page"})
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or int(length) > MAX_NOTE:
            self.answer(413, {"error": "a Content-Length of at most 64 KB is needed"})
            return
        body = self.rfile.read(int(length))
        if not self.authorized():
            return
        try:
            text = json.loads(body)["text"]
        except (ValueError, KeyError, TypeError):
            text = None
        if not isinstance(text, str) or text == "":
            self.answer(400, {"error": 'the body must be JSON like {"text": "buy milk"}'})
            return
        db.execute("INSERT INTO notes (text) VALUES (?)", (text,))
        db.commit()
        self.answer(200, self.notes())

    def authorized(self):
        given = self.headers.get("Authorization", "")
        if not given.startswith("Bearer "):
            self.answer(401, {"error": "a bearer token is needed"})
            return False
        if not hmac.compare_digest(given.removeprefix("Bearer ").encode(), TOKEN.encode()):
            self.answer(403, {"error": "wrong token"})
            return False
        return True

    def notes(self):
        return {"notes": [{"text": text} for (text,) in db.execute("SELECT text FROM notes ORDER BY id")]}

    def answer(self, status, body):
        data = (json.dumps(body) + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code="-", size="-"):
        if self.path != "/health":
            super().log_request(code, size)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
try:
    HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
finally:
    db.close()
