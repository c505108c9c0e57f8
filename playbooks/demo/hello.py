"""The demo's web application, standard library only; the demo packs it as three versions, one of them broken.

GET /        "hello VERSION"
GET /health  200 when it can serve, 503 with the reason when it cannot (on the host BROKEN_ON; $HOST names the host)

SIGUSR1 drains: every connection that exists now gets `Connection: close` with its next answer, or ends after a second
at rest; connections made later are not concerned, so a release that is switched back simply goes on.
SIGTERM does the same, takes no new connections, and ends when the last one has.
"""

import os
import select
import signal
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

VERSION = "1"
BROKEN_ON = ""
COMPLAINT = "cannot serve: the database has schema 2, this release needs 3"
PORT = int(os.environ.get("PORT", "8080"))
AT_REST = 1.0  # seconds that a connection to be drained may go without a request
LONGEST_FAREWELL = 10.0


class Server(ThreadingHTTPServer):
    """Counts how often it was drained and which connections are open."""

    request_queue_size = 128
    daemon_threads = True

    def __init__(self):
        super().__init__(("", PORT), Handler)
        self.drains = 0
        self.complained = False
        self.open = set()

    def server_bind(self):
        TCPServer.server_bind(self)  # HTTPServer's own asks a resolver for our name, and here may be none

    def complain(self):
        """Say once why it cannot serve."""
        if not self.complained:
            sys.stderr.write(f"hello {VERSION} {COMPLAINT}\n")
        self.complained = True

    def drain(self, *_):
        """Let go of the connections that exist now."""
        self.drains += 1

    def stop(self, *_):
        """Let go of all connections and end."""
        self.drains += 1
        threading.Thread(target=self.shutdown).start()  # waits for serve_forever, which this signal interrupts


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer in one packet

    def handle(self):
        self.drains_before = self.server.drains
        self.server.open.add(threading.current_thread())
        try:
            self.close_connection = False
            while not self.close_connection and self.wait_for_request():
                self.handle_one_request()
        except ConnectionError:
            pass  # the client has gone
        finally:
            self.server.open.discard(threading.current_thread())

    def wait_for_request(self):
        """Wait for the next request; False when the connection has been at rest too long while it is drained."""
        rested = 0.0
        while not select.select([self.connection], [], [], 0.1)[0]:
            rested = rested + 0.1 if self.drained else 0.0
            if rested >= AT_REST:
                return False
        return True

    @property
    def drained(self):
        return self.server.drains > self.drains_before

    def do_GET(self):
        if self.path == "/health" and os.environ.get("HOST", "here") == BROKEN_ON:
            self.server.complain()
            self.answer(503, COMPLAINT)
        elif self.path == "/health":
            self.answer(200, "ready")
        else:
            self.answer(200, f"hello {VERSION}")

    def answer(self, status, text):
        body = (text + "\n").encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if self.drained:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_request(self, code="-", size="-"):
        """Say nothing: probes come ten times a second while a release is switched."""


def main():
    server = Server()
    signal.signal(signal.SIGUSR1, server.drain)
    signal.signal(signal.SIGTERM, server.stop)
    sys.stderr.write(f"hello {VERSION} listens on port {PORT} of {socket.gethostname()}\n")
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    for thread in list(server.open):
        thread.join(LONGEST_FAREWELL)


if __name__ == "__main__":
    main()
