"""Uploads a file with a client of tus 1.0 that tries again after every error.

python tus_clients.py tuspy|aiotus URL FILE NAME
"""
import asyncio
import io
import sys
import time


class SlowFile(io.FileIO):
    """Takes long enough for the server to be killed meanwhile."""

    def read(self, size=-1):
        time.sleep(0.05)
        return super().read(size)


def tuspy(url, file, name):
    from tusclient import client

    uploader = client.TusClient(url).uploader(
        file_stream=file, chunk_size=1 << 20, metadata={"filename": name}, retries=60, retry_delay=0.2)
    uploader.upload()


def aiotus(url, file, name):
    import aiotus

    config = aiotus.RetryConfiguration(retry_attempts=60, max_retry_period_seconds=0.5)
    upload = aiotus.upload(url, file, {"filename": name.encode()}, config=config, chunksize=1 << 20)
    assert asyncio.run(upload) is not None


_, library, url, path, name = sys.argv
globals()[library](url, SlowFile(path), name)
