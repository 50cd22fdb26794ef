"""A server by other hands, for the interop tests: Python's werkzeug, which Flask stands on, with
Python's zlib before it.

Prints its address, and answers each request with what it read, as JSON.
"""
import hashlib
import io
import json
import zlib

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response


class Decoded(io.RawIOBase):
    """A stream without its content coding. Reading it to its end checks its checksum."""

    def __init__(self, stream, window_bits):
        self.stream = stream
        self.decoder = zlib.decompressobj(window_bits)

    def readable(self):
        return True

    def readinto(self, buffer):
        while not self.decoder.eof:
            data = self.decoder.unconsumed_tail or self.stream.read(1 << 16)
            content = self.decoder.decompress(data, len(buffer))
            if content:
                buffer[:len(content)] = content
                return len(content)
            if not data:
                raise EOFError("the coded body is cut off")
        if self.decoder.unused_data or self.stream.read(1):
            raise ValueError("more data follows")
        return 0


WINDOW_BITS = {"gzip": 31, "deflate": 15}


@Request.application
def receive(request):
    if coding := request.headers.get("Content-Encoding"):
        stream = io.BufferedReader(Decoded(request.environ["wsgi.input"], WINDOW_BITS[coding]))
        request = Request({**request.environ, "wsgi.input": stream})
    parts = []
    for name, file in request.files.items(multi=True):
        content = file.read()
        parts.append({
            "name": name, "filename": file.filename, "type": file.content_type or "",
            "size": len(content), "sha256": hashlib.sha256(content).hexdigest(),
        })
    for name, value in request.form.items(multi=True):
        content = value.encode()
        parts.append({
            "name": name, "filename": "", "type": "",
            "size": len(content), "sha256": hashlib.sha256(content).hexdigest(),
        })
    answer = {
        "parts": parts, "remote": f"{request.environ['REMOTE_ADDR']}:{request.environ['REMOTE_PORT']}",
        "length": request.content_length or -1,
    }
    return Response(json.dumps(answer), status=201, content_type="application/json")


# Without this it speaks HTTP/1.0, and closes after each request.
WSGIRequestHandler.protocol_version = "HTTP/1.1"
server = make_server("127.0.0.1", 0, receive, threaded=True)
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
