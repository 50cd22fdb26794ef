"""Faults of the place where files are stored, and of processes."""
import os, random, signal, subprocess, tempfile, threading

from harness import *

BLOCK = os.urandom(100_000)


def full_disk(table, program, folder):
    folder.mount("-t", "tmpfs", "-o", "size=1m", "none")
    server = Server(program, folder.path)
    for title, request in [("PUT of 4 MB", put("/a", BLOCK * 40)), ("form of 4 MB", form([("a", b"1"), ("b", BLOCK * 40)]))]:
        upload = Upload(title, request, {})
        upload.prepare(folder.path)
        answer = talk(server.port, request)
        problem = upload.verdict(answer, folder.path, True)
        if answer.status != 507: problem = problem or "not 507"
        if not talk(server.port, put("/small", b"1")).is_success: problem = problem or "cannot store a small file after that"
        table.row(f"{title} to a disk of 1 MB", answer, upload.disk(folder.path, {}), problem)
    server.end()


def largest_file(table, program, folder):
    upload = Upload("PUT", put("/a", BLOCK * 4), {})
    server = Server(program, folder.path, wrapper=["prlimit", "--fsize=150000"])
    answer = talk(server.port, upload.request)
    problem = upload.verdict(answer, folder.path, True) or ("" if answer.status == 413 else "not 413")
    table.row("file larger than RLIMIT_FSIZE", answer, upload.disk(folder.path), problem)
    server.end()


SHORT_WRITES = r"""
#include <sys/syscall.h>
#include <unistd.h>
ssize_t write(int file, const void *bytes, size_t count) {
    return syscall(SYS_write, file, bytes, count > 1000 ? 1000 : count);
}
"""


def short_writes(table, program, folder):
    with tempfile.TemporaryDirectory() as temporary:
        library = temporary + "/short.so"
        try:
            subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-o", library, "-"], input=SHORT_WRITES.encode(), check=True,
                           capture_output=True)
        except (OSError, subprocess.CalledProcessError): raise Skipped("no C compiler")
        server = Server(program, folder.path, environment={"LD_PRELOAD": library})
        upload = Upload("PUT", put("/a", BLOCK), {"a": BLOCK})
        answer = talk(server.port, upload.request)
        problem = upload.verdict(answer, folder.path, True) or ("" if answer.is_success else "not stored")
        table.row("each write(2) takes 1,000 bytes at most", answer, upload.disk(folder.path), problem)
        server.end()


def removed_folder(table, program, folder):
    store = folder.path + "/up"
    upload = Upload("PUT", put("/a", BLOCK), {"a": BLOCK})
    server = Server(program, store)
    health = b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    for exists in (False, True):
        if os.path.isdir(store): shutil.rmtree(store)
        if exists: os.mkdir(store)
        time.sleep(1.1)  # The server asks the storage once a second.
        state, answer = talk(server.port, health), talk(server.port, upload.request)
        good = (state.status, answer.is_success, os.path.isdir(store)) == (200 if exists else 503, exists, exists)
        problem = upload.verdict(answer, store, True) if exists else ""
        table.row("folder removed" + (" and made again" if exists else ""), f"{answer}; health {state}",
                  upload.disk(store) if exists else "no folder", problem or ("" if good else "wrong answer"))
    server.end()


def read_only(table, program, folder):
    folder.mount("-t", "tmpfs", "none")
    upload = Upload("PUT", put("/a", BLOCK), {"a": BLOCK})
    server = Server(program, folder.path)
    for mode in ("ro", "rw"):
        subprocess.run(["mount", "-o", "remount," + mode, folder.path], check=True)
        answer = talk(server.port, upload.request)
        problem = upload.verdict(answer, folder.path, True)
        if answer.is_success != (mode == "rw"): problem = problem or "wrong answer"
        table.row(f"file system mounted again as {mode}", answer, upload.disk(folder.path), problem)
    server.end()


def file_systems(table, program, folder, uploads):
    """Every kind of upload, without O_TMPFILE or without hard links."""
    def overlay():
        base = Folder()
        try:
            base.mount("-t", "tmpfs", "none")
            for name in ("lower", "upper", "work"): os.mkdir(f"{base.path}/{name}")
            options = ",".join(f"{kind}={base.path}/{kind.replace('dir', '')}" for kind in ("lowerdir", "upperdir", "workdir"))
            folder.mount("-t", "overlay", "-o", options, "overlay")
        except Skipped:
            base.remove()
            raise
        return base.remove

    def vfat():
        image = tempfile.NamedTemporaryFile(prefix="faults-")
        image.truncate(32 << 20)
        try: subprocess.run(["mkfs.vfat", image.name], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError): raise Skipped("no mkfs.vfat")
        folder.mount("-o", "loop", image.name)
        return image.close

    for title, prepare in [("overlayfs", overlay), ("vfat", vfat)]:
        try: clean_up = prepare()
        except Skipped as reason:
            table.skip(title, reason)
            continue
        for upload in uploads:
            upload.prepare(folder.path)
            server = Server(program, folder.path, *upload.options)
            answer = talk(server.port, upload.request)
            problem = upload.verdict(answer, folder.path, True) or ("" if answer.is_success else "not stored")
            table.row(f"{title}: {upload.title}", answer, upload.disk(folder.path), problem)
            server.end()
        subprocess.run(["umount", folder.path], check=True)
        folder.mounts.clear()
        clean_up()


def planted(table, program, folder):
    """Links, pipes and folders have the names of uploads, or of their folders."""
    store, outside = folder.path + "/up", folder.path + "/outside"
    for kind, plant in [
        ("link to a file", lambda path: os.symlink(outside + "/file", path)),
        ("link to a folder", lambda path: os.symlink(outside, path)),
        ("link to nothing", lambda path: os.symlink(outside + "/nothing", path)),
        ("FIFO", os.mkfifo), ("folder", os.mkdir),
    ]:
        for title, request in [("POST", form([("a", BLOCK)])), ("PUT", put("/a", BLOCK)), ("PUT below", put("/files/a/b", BLOCK))]:
            for path in (store, outside): shutil.rmtree(path, ignore_errors=True)
            for path in (store, outside): os.mkdir(path)
            with open(outside + "/file", "wb") as file: file.write(b"1")
            plant(store + "/a")
            before = os.lstat(store + "/a")
            server = Server(program, store, "--keep-paths")
            answer = talk(server.port, request)
            now, problem = visible(store), ""
            if answer.is_success and any(now.get(name) != BLOCK for name in answer.saved): problem = "success, but not stored"
            if not answer.is_success and now: problem = "an error, but something is stored"
            if answer.status is None or answer.status >= 500: problem = problem or "no clear answer"
            if visible(outside) != {"file": b"1"} or os.listdir(outside) != ["file"]: problem = "stored outside of the folder"
            after = os.lstat(store + "/a")
            if (before.st_ino, before.st_mode) != (after.st_ino, after.st_mode): problem = problem or "replaced"
            table.row(f"{title}, {kind} in the way", answer, ", ".join(now) or "nothing", problem)
            server.end()


def crowd(table, program, folder, count=100):
    """Many at a time of one name."""
    contents = [os.urandom(20_000) for _ in range(count)]

    def at_once(port, requests):
        answers = [None] * len(requests)
        def run(index): answers[index] = talk(port, requests[index], 60)
        threads = [threading.Thread(target=run, args=(index,)) for index in range(len(requests))]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        return answers

    for title, requests, right in [
        (f"{count} POSTs", [form([("a", content)]) for content in contents],
         lambda now, statuses: statuses == {201: count} and sorted(now.values()) == sorted(contents)),
        (f"{count} PUTs", [put("/a", content) for content in contents],
         lambda now, statuses: statuses == {201: 1, 200: count - 1} and list(now) == ["a"] and now["a"] in contents),
        ("5 PUTs with If-None-Match: *", [put("/a", content, "If-None-Match: *") for content in contents[:5]],
         lambda now, statuses: statuses == {201: 1, 412: 4} and list(now) == ["a"] and now["a"] in contents[:5]),
    ]:
        store = tempfile.mkdtemp(dir=folder.path)
        server = Server(program, store)
        answers = at_once(server.port, requests)
        statuses = {}
        for answer in answers: statuses[answer.status] = statuses.get(answer.status, 0) + 1
        now = visible(store)
        stored_as_told = all(name in now for answer in answers for name in answer.saved)
        problem = "" if right(now, statuses) and stored_as_told else "wrong"
        table.row(f"{title} of one name at once", ", ".join(f"{n} × {s}" for s, n in statuses.items()), f"{len(now)} files", problem)
        server.end()


def random_kills(table, program, folder, count=30):
    """SIGKILL at random moments of a form of many files."""
    files = [(f"{index}.txt", os.urandom(3000)) for index in range(200)]
    upload = Upload("form", form(files), dict(files))
    server = Server(program, folder.path)
    began = time.monotonic()
    talk(server.port, upload.request)
    duration = time.monotonic() - began
    server.end()
    outcomes, problems = {}, []
    for _ in range(count):
        upload.prepare(folder.path)
        server = Server(program, folder.path)
        timer = threading.Timer(random.uniform(0, duration), server.process.kill)
        timer.start()
        answer = talk(server.port, upload.request)
        timer.join()
        server.end()
        problems.append(upload.verdict(answer, folder.path, False))
        server = Server(program, folder.path)
        now = visible(folder.path)
        if now not in ({}, upload.after): problems.append("stored in part")
        if answer.is_success and now != upload.after: problems.append("success, but not stored")
        if leftovers(folder.path): problems.append("something is left after the restart")
        server.end()
        outcome = upload.disk(folder.path, now)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    table.row(f"SIGKILL at {count} random moments of a form of 200 files, then a restart", "",
              ", ".join(f"{n} × {o}" for o, n in outcomes.items()), "; ".join(sorted(set(filter(None, problems)))))


def signals(table, program, folder):
    for number, title in [(signal.SIGTERM, "SIGTERM"), (signal.SIGKILL, "SIGKILL")]:
        store = tempfile.mkdtemp(dir=folder.path)
        upload = Upload("PUT", put("/a", BLOCK), {"a": BLOCK})
        server = Server(program, store)
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
            connection.sendall(upload.request[:50_000])
            time.sleep(0.2)
            server.process.send_signal(number)
            time.sleep(0.2)
            data = b""
            try:
                connection.sendall(upload.request[50_000:])
                while piece := connection.recv(65536): data += piece
            except ConnectionError: pass
        answer = Answer(data)
        server.end(number)
        restarted = Server(program, store, port=server.port)
        problem = upload.verdict(answer, store, number == signal.SIGTERM)
        if leftovers(store): problem = problem or "something is left"
        if not talk(restarted.port, put("/b", b"1")).is_success: problem = "cannot store after the restart"
        os.unlink(store + "/b")
        restarted.end()
        table.row(f"{title} during an upload, restart on the same port", answer, upload.disk(store), problem)


def clock(table, program, folder):
    """The clock jumps a day back while an upload arrives."""
    library = next((path for path in (f"/usr/lib/{machine}-linux-gnu/faketime/libfaketimeMT.so.1"
                                      for machine in ("x86_64", "aarch64")) if os.path.exists(path)), None)
    if not library: raise Skipped("no libfaketime")
    for jump in ("-1d", "+1d"):
        store = tempfile.mkdtemp(dir=folder.path)
        with tempfile.NamedTemporaryFile("w", prefix="faults-") as offset:
            offset.write("+0\n")
            offset.flush()
            server = Server(program, store, environment={
                "LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": offset.name, "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
            upload = Upload("PUT", put("/a", BLOCK), {"a": BLOCK})
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
                connection.sendall(upload.request[:50_000])
                time.sleep(0.2)
                offset.seek(0)
                offset.write(jump + "\n")
                offset.flush()
                time.sleep(0.2)
                connection.sendall(upload.request[50_000:])
                data = b""
                while piece := connection.recv(65536): data += piece
            answer = Answer(data)
            problem = upload.verdict(answer, store, True) or ("" if answer.is_success else "not stored")
            listed = talk(server.port, b"GET /files HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            if b'"a"' not in listed.body: problem = problem or "not listed"
            table.row(f"the clock jumps by {jump} during an upload", answer, upload.disk(store), problem)
            server.end()
