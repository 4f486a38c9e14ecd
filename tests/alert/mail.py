"""A mail server that says no more than it must."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """Takes mails, or refuses the login."""

    refuses_login: bool = False
    mails: list[str] = field(default_factory=list)
    port: int = 0


@contextlib.contextmanager
def mailing(refuses_login: bool = False) -> Iterator[MailServer]:
    server = MailServer(refuses_login)

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 here")
            while line := self.rfile.readline().decode().strip():
                word = line.upper().split()[0]
                if word == "EHLO":
                    self.say("250-here\r\n250 AUTH PLAIN LOGIN")
                elif word == "AUTH":
                    self.say("535 5.7.8 wrong user or password" if server.refuses_login else "235 welcome")
                elif word == "DATA":
                    self.say("354 go on")
                    lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                    server.mails.append("\n".join(lines))
                    self.say("250 taken")
                else:
                    self.say("250 yes")

        def say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads, allow_reuse_address = True, True

        def handle_error(self, *_: object) -> None:
            """Who hangs up, hangs up."""

    with Server(("127.0.0.1", 0), Handler) as listening:
        server.port = listening.server_address[1]
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        listening.shutdown()
