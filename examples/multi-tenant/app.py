"""A guest counter that also tells how often it was started: it makes sleeping and waking visible."""

import json
import os
import signal
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

DATA_DIR = os.environ["DATA_DIR"]
TENANT = os.environ.get("TENEMENT_INSTANCE", "nobody")

db = sqlite3.connect(os.path.join(DATA_DIR, "counter.db"))
db.execute("CREATE TABLE IF NOT EXISTS counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL)")
db.execute("INSERT OR IGNORE INTO counter VALUES ('starts', 0), ('visits', 0)")


def bump(name):
    db.execute("UPDATE counter SET value = value + 1 WHERE name = ?", (name,))
    db.commit()


def counters():
    return dict(db.execute("SELECT name, value FROM counter"))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            self.answer(200, {"status": "ok"})
        elif self.path == "/":
            bump("visits")
            self.answer(200, {"tenant": TENANT, "pid": os.getpid(), **counters()})
        else:
            self.answer(404, {"error": "no such page"})

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


if __name__ == "__main__":
    bump("starts")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
    finally:
        db.close()
