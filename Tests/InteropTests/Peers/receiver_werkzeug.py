"""A server by other hands, for the interop tests: Python's werkzeug, which Flask stands on.

Prints its address, and answers each request with what it read, as JSON.
"""
import hashlib
import json

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response


@Request.application
def receive(request):
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
