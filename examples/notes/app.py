"""Notes for one customer: one process, one SQLite file, standard library only.

It knows nothing of tenants. It listens on 127.0.0.1:$PORT, keeps its data in $DATA_DIR and answers 200 on /health;
everything else (names, other customers, sleeping, waking, limits) is tenement's business.
"""

import html
import json
import os
import signal
import socketserver
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

DATA_DIR = os.environ.get("DATA_DIR", ".")
PORT = int(os.environ.get("PORT", "8000"))
OWNER = os.environ.get("TENEMENT_INSTANCE", "you")
MAX_NOTE = 64 * 1024

os.makedirs(DATA_DIR, exist_ok=True)
db = sqlite3.connect(os.path.join(DATA_DIR, "notes.db"))
db.execute("PRAGMA journal_mode = WAL")
db.execute("CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)")
db.commit()

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Notes of {owner}</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem }}</style>
<h1>Notes of {owner}</h1>
<form id="new"><input name="text" aria-label="New note" required autofocus> <button>Add</button></form>
<ul>{items}</ul>
<script>
document.getElementById('new').addEventListener('submit', async (event) => {{
  event.preventDefault();
  const text = new FormData(event.target).get('text');
  await fetch('/notes', {{ method: 'POST', body: JSON.stringify({{ text }}) }});
  location.reload();
}});
</script>
</html>
"""


def all_notes():
    return [{"id": id, "text": text} for id, text in db.execute("SELECT id, text FROM notes ORDER BY id")]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/health":
            self.answer(200, {"status": "ok"})
        elif self.path == "/notes":
            self.answer(200, {"notes": all_notes()})
        elif self.path == "/":
            items = "".join(f"<li>{html.escape(note['text'])}</li>" for note in all_notes())
            self.answer(200, PAGE.format(owner=html.escape(OWNER), items=items), "text/html; charset=utf-8")
        else:
            self.answer(404, {"error": "no such page"})

    def do_POST(self):
        if self.path != "/notes":
            self.answer(404, {"error": "no such page"})
            return
        try:
            length = int(self.headers.get("Content-Length", ""))
        except ValueError:
            self.answer(411, {"error": "a Content-Length is needed"})
            return
        if not 0 <= length <= MAX_NOTE:
            self.answer(413, {"error": f"a note has at most {MAX_NOTE} bytes"})
            return
        try:
            text = json.loads(self.rfile.read(length))["text"]
        except (ValueError, KeyError, TypeError):
            text = None
        if not isinstance(text, str) or text == "":
            self.answer(400, {"error": 'the body must be JSON like {"text": "buy milk"}'})
            return
        cursor = db.execute("INSERT INTO notes (text) VALUES (?)", (text,))
        db.commit()
        self.answer(201, {"id": cursor.lastrowid, "text": text})

    def do_DELETE(self):
        prefix, _, number = self.path.rpartition("/")
        if prefix != "/notes" or not (number.isascii() and number.isdigit() and len(number) < 19):
            self.answer(404, {"error": "no such page"})
            return
        deleted = db.execute("DELETE FROM notes WHERE id = ?", (int(number),)).rowcount
        db.commit()
        if deleted:
            self.answer(200, {"deleted": int(number)})
        else:
            self.answer(404, {"error": "no such note"})

    def answer(self, status, body, content_type="application/json"):
        data = body if isinstance(body, str) else json.dumps(body) + "\n"
        data = data.encode()
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_request(self, code="-", size="-"):
        # Health checks come every few seconds and would bury the rest.
        if self.path != "/health":
            super().log_request(code, size)


class Server(HTTPServer):
    # Default 5: a burst of requests on a waking instance would wait for the kernel's retry, a second later.
    request_queue_size = 128

    def server_bind(self):
        # HTTPServer asks DNS for its own name here, which takes seconds on some machines.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", PORT


if __name__ == "__main__":
    # tenement lets open requests end before it sends TERM, so nothing is cut off by leaving at once.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = Server(("127.0.0.1", PORT), Handler)
    print(f"notes of {OWNER}: listening on 127.0.0.1:{PORT}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()
        db.close()
