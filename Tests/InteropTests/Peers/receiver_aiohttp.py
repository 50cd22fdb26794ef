"""A server by other hands, for the interop tests: Python's aiohttp, streaming.

Prints its address, and answers each request with what it read, as JSON.
"""
import asyncio
import hashlib

from aiohttp import web


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


async def main():
    app = web.Application(client_max_size=1 << 40)
    app.router.add_post("/", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("http://127.0.0.1:%d/" % runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
