"""Faults at each system call of an upload, injected by strace(1)."""
import os, re
from collections import Counter

from harness import *

CALLS = "openat,mkdirat,write,fdatasync,fsync,sync_file_range,linkat,renameat,renameat2,unlinkat,close"
ERRORS = ["ENOSPC", "EIO", "EDQUOT", "EMFILE", "EINTR"]
CONTENT = os.urandom(300_000)


def uploads():
    small = [("a.txt", os.urandom(5000)), ("b.txt", os.urandom(70_000)), ("c.txt", b"")]
    return [
        Upload("PUT of a new file", put("/a.bin", CONTENT), {"a.bin": CONTENT}),
        Upload("PUT that replaces a file", put("/a.bin", CONTENT), {"a.bin": CONTENT}, {"a.bin": b"old"}),
        Upload("form of three files", form(small), dict(small), {"other": b"1"}),
        Upload("PUT into new folders", put("/files/x/y/a.bin", CONTENT), {"x/y/a.bin": CONTENT}, {"other": b"1"},
               ["--keep-paths"]),
    ]


def trace(server, upload, store):
    """The system calls of an upload that concern its folder: for each the name, and its number within its thread."""
    upload.prepare(store)
    strace = Strace(server, "-f", "-e", "trace=" + CALLS)
    answer = talk(server.port, upload.request)
    wait_until(lambda: not leftovers(store), 5)
    lines = strace.end().splitlines()
    if not answer.is_success: raise RuntimeError(f"{upload.title}: {answer}")
    numbers, events = Counter(), []
    for line in lines:
        match = re.match(r"(\d+) +(\w+)\((.*)", line)
        if not match: continue
        thread, call, rest = match.groups()
        numbers[thread, call] += 1
        event = (call, numbers[thread, call])
        if store in rest and event not in events: events.append(event)
    return events


def killed(table, program, upload, store):
    """SIGKILL at each system call in turn."""
    server = Server(program, store, *upload.options)
    events = trace(server, upload, store)
    server.end()
    for call, number in events:
        upload.prepare(store)
        server = Server(program, store, *upload.options)
        strace = Strace(server, "-e", "trace=" + call, "-e", f"inject={call}:signal=KILL:when={number}")
        answer = talk(server.port, upload.request)
        server.end()
        strace.end()
        problem, disk = upload.verdict(answer, store, False), upload.disk(store)
        # The next process finishes or undoes what this one had begun.
        server = Server(program, store, *upload.options)
        now = visible(store)
        if leftovers(store): problem = "; ".join(filter(None, [problem, "something is left after the restart"]))
        if now not in (upload.before, upload.after): problem = "; ".join(filter(None, [problem, "stored in part"]))
        if not talk(server.port, put("/again", b"1")).is_success: problem = "cannot store after the restart"
        server.end()
        table.row(f"SIGKILL at {call} {number}", answer, disk + ", then " + upload.disk(store, now), problem)


def failing(table, program, upload, store, errors=ERRORS):
    """An error of each system call in turn."""
    server = Server(program, store, *upload.options)
    events = trace(server, upload, store)
    for call, number in events:
        for error in errors:
            upload.prepare(store)
            strace = Strace(server, "-e", "trace=" + call, "-e", f"inject={call}:error={error}:when={number}")
            answer = talk(server.port, upload.request)
            if call == "unlinkat" and answer.is_success and wait_until(lambda: leftovers(store), 1):
                # What cannot be removed is removed at the next start.
                strace.end()
                server.end()
                server = Server(program, store, *upload.options)
            problem, disk = upload.verdict(answer, store, True), upload.disk(store)
            strace.end()
            if server.process.poll() is not None: problem = "the server crashed: " + server.log_text()[-200:]
            elif not talk(server.port, put("/again", b"1")).is_success: problem = "cannot store after that"
            table.row(f"{error} of {call} {number}", answer, disk, problem)
            if server.process.poll() is not None: server = Server(program, store, *upload.options)
    server.end()
