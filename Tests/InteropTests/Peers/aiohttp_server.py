"""How the peers that are aiohttp are run: on a free port of the loopback interface, until they are killed."""
import asyncio

from aiohttp import web


async def _run(app):
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print("http://127.0.0.1:%d/" % runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


def serve(app):
    """Prints the server's address, and serves."""
    asyncio.run(_run(app))
