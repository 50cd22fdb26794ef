"""A server by other hands, for the interop tests: Python's aiohttp, which codes what it sends.

Prints its address. `GET /CODING/SIZE` is answered with so many bytes of lines in that coding, or in
the first one that the client takes, for `any`; the SHA-256 of the content is in `Digest-Of-Content`.
"""
import hashlib

from aiohttp import web
from aiohttp_server import serve


def chunks(size):
    number = 0
    while size > 0:
        block = b"".join(b"line %d of what was sent\n" % n for n in range(number, number + 2000))[:size]
        number += 2000
        size -= len(block)
        yield block


async def send(request):
    coding, size = request.match_info["coding"], int(request.match_info["size"])
    digest = hashlib.sha256()
    for chunk in chunks(size):
        digest.update(chunk)
    response = web.StreamResponse(headers={"Digest-Of-Content": digest.hexdigest()})
    response.enable_compression(None if coding == "any" else web.ContentCoding[coding])
    await response.prepare(request)
    for chunk in chunks(size):
        await response.write(chunk)
    await response.write_eof()
    return response


app = web.Application()
app.router.add_get("/{coding}/{size}", send)
serve(app)
