"""A server by other hands, for the interop tests: Python's aiohttp, streaming.

Prints its address, and answers each request with what it read, as JSON.
"""
import hashlib

from aiohttp import web
from aiohttp_server import serve


async def receive(request):
    parts = []
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        digest, size = hashlib.sha256(), 0
        while chunk := await part.read_chunk(1 << 16):
            digest.update(chunk)
            size += len(chunk)
        parts.append({
            "name": part.name or "", "filename": part.filename or "",
            "type": part.headers.get("Content-Type", ""), "size": size, "sha256": digest.hexdigest(),
        })
    host, port = request.transport.get_extra_info("peername")[:2]
    answer = {"parts": parts, "remote": f"{host}:{port}", "length": request.content_length or -1}
    return web.json_response(answer, status=201)


app = web.Application(client_max_size=1 << 40)
app.router.add_post("/", receive)
serve(app)
