"""Cameras on loopback: MJPEG over HTTP, and RTSP that relays what libav's RTP muxer packs."""

from __future__ import annotations

import contextlib
import itertools
import socket
import socketserver
import threading
from fractions import Fraction
from typing import Any

import av

from tests.ingest.videos import jpegs, picture


class _Threads(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    # Handlers end with their camera; a test does not wait for a client that has gone.
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is no error."""


class Camera:
    """A server on loopback that can be switched off, silenced, frozen and switched on again."""

    handler: type[socketserver.BaseRequestHandler]

    def __init__(self) -> None:
        self.on = threading.Event()
        self.silent = threading.Event()
        self.frozen = threading.Event()
        self.closed = threading.Event()
        self.connections = 0
        self.period_s = 0.02
        self.on.set()
        self._server = _Threads(("127.0.0.1", 0), self.handler)
        self._server.camera = self  # type: ignore[attr-defined]
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()


class _Mjpeg(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        camera: Camera = self.server.camera  # type: ignore[attr-defined]
        with contextlib.suppress(OSError):
            self.request.recv(4096)
            if not camera.on.is_set():
                return
            camera.connections += 1
            self.request.sendall(
                b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=frame\r\n\r\n"
            )
            pictures = jpegs(40)
            for number in itertools.count():
                while camera.silent.is_set() and not camera.closed.wait(0.01):
                    pass
                if camera.closed.wait(camera.period_s) or not camera.on.is_set():
                    return
                jpeg = pictures[0 if camera.frozen.is_set() else number % len(pictures)]
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.request.sendall(head.encode() + jpeg + b"\r\n")


class MjpegCamera(Camera):
    """Serves MJPEG over HTTP."""

    handler = _Mjpeg

    @property
    def url(self) -> str:
        return f"http://user:secret@127.0.0.1:{self.port}/video"


class _Rtsp(socketserver.StreamRequestHandler):
    """As much of RFC 2326 as libav asks for: one H.264 track, interleaved or by UDP."""

    def handle(self) -> None:
        camera: Camera = self.server.camera  # type: ignore[attr-defined]
        camera.connections += 1
        self.send_packet = self._interleaved
        self.lock = threading.Lock()
        self.over = threading.Event()
        with contextlib.ExitStack() as self.stack:
            self.stack.callback(self.over.set)
            with contextlib.suppress(OSError, ValueError):
                while request := self._request():
                    self._answer(camera, *request)

    def _request(self) -> tuple[str, dict[str, str]] | None:
        lines = []
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            lines.append(line.decode())
        if not lines:
            return None
        fields = dict(line.rstrip().split(": ", 1) for line in lines[1:])
        return lines[0].split(" ")[0], fields

    def _answer(self, camera: Camera, method: str, fields: dict[str, str]) -> None:
        head, body = "", ""
        if method == "DESCRIBE":
            body = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\n"
            body += "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=fmtp:96 packetization-mode=1\r\n"
            body += "a=control:track1\r\n"
            head = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n"
        elif method == "SETUP":
            head = self._transport(fields["Transport"])
        head += "Session: 1\r\n" if method != "DESCRIBE" else ""
        with self.lock:
            reply = f"RTSP/1.0 200 OK\r\nCSeq: {fields['CSeq']}\r\n{head}\r\n{body}"
            self.wfile.write(reply.encode())
        if method == "PLAY":
            threading.Thread(target=self._play, args=(camera,), daemon=True).start()

    def _transport(self, wanted: str) -> str:
        if "interleaved" in wanted:
            return "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
        ports = wanted.partition("client_port=")[2].partition(";")[0]
        address = ("127.0.0.1", int(ports.split("-")[0]))
        own = self.stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        own.bind(("127.0.0.1", 0))
        self.send_packet = lambda packet: own.sendto(packet, address) and None
        return f"Transport: RTP/AVP;unicast;client_port={ports};server_port={own.getsockname()[1]}-0\r\n"

    def _interleaved(self, packet: bytes) -> None:
        with self.lock:
            self.wfile.write(b"$\0" + len(packet).to_bytes(2, "big") + packet)

    def _play(self, camera: Camera) -> None:
        with (
            contextlib.suppress(OSError, av.error.FFmpegError),
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as relay,
        ):
            relay.bind(("127.0.0.1", 0))
            relay.setblocking(False)
            self._relay(camera, relay)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def _relay(self, camera: Camera, relay: socket.socket) -> None:
        """Lets libav pack RTP to a socket of our own, and passes the packets on."""
        port = relay.getsockname()[1]
        url = f"rtp://127.0.0.1:{port}?rtcpport={camera.port}&pkt_size=1200"
        with av.open(url, "w", format="rtp") as container:
            stream = container.add_stream("libx264", rate=50)
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.options = {"g": "5", "bf": "0", "preset": "ultrafast", "tune": "zerolatency"}
            for number in itertools.count():
                if camera.closed.wait(0.02) or self.over.is_set() or not camera.on.is_set():
                    break
                frame = av.VideoFrame.from_ndarray(picture(number), format="bgr24")
                frame.pts, frame.time_base = number, Fraction(1, 50)
                container.mux(stream.encode(frame))
                with contextlib.suppress(BlockingIOError):
                    while packet := relay.recv(65536):
                        self.send_packet(packet)


class RtspCamera(Camera):
    """Serves H.264 over RTSP."""

    handler = _Rtsp

    @property
    def url(self) -> str:
        return f"rtsp://user:secret@127.0.0.1:{self.port}/video"
