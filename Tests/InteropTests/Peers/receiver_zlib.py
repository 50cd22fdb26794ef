"""A server by other hands, for the interop tests: Python's http.server and zlib, in constant memory.

Prints its address. Decodes each body as it arrives, a document of one part, and answers with the length and
the digest of the part's content, as JSON.
"""
import hashlib
import json
import zlib
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WINDOW_BITS = {"gzip": 31, "deflate": 15}


class Content:
    """The content of a document's one part: what is between its header and its closing delimiter."""

    def __init__(self, boundary):
        self.end = b"\r\n--" + boundary.encode() + b"--\r\n"
        self.held = b""
        self.in_content = False
        self.size = 0
        self.digest = hashlib.sha256()

    def feed(self, data):
        self.held += data
        if not self.in_content:
            header, separator, self.held = self.held.partition(b"\r\n\r\n")
            if not separator:
                self.held = header
                return
            self.in_content = True
        ready = len(self.held) - len(self.end)
        if ready > 0:
            self.digest.update(memoryview(self.held)[:ready])
            self.size += ready
            self.held = self.held[ready:]

    def finish(self):
        if self.held != self.end:
            raise ValueError("the document does not end with its closing delimiter")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def chunks(self):
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def do_POST(self):
        message = Message()
        message["Content-Type"] = self.headers["Content-Type"]
        content = Content(message.get_param("boundary"))
        decoder = zlib.decompressobj(WINDOW_BITS[self.headers["Content-Encoding"]])
        for chunk in self.chunks():
            while chunk:
                content.feed(decoder.decompress(chunk, 1 << 20))
                chunk = decoder.unconsumed_tail
        content.feed(decoder.flush())
        content.finish()
        if not decoder.eof or decoder.unused_data:
            raise ValueError("the coded data is cut off, or something follows")
        answer = json.dumps({"size": content.size, "sha256": content.digest.hexdigest()}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}/", flush=True)
server.serve_forever()
