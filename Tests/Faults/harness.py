"""What the rows of the fault matrix share: the server as a process, requests over sockets, injected faults, verdicts."""
import json, os, re, shutil, signal, socket, subprocess, sys, tempfile, time

HIDDEN = b".http-streaming-"
CPU = str(min(os.sched_getaffinity(0)))


class Skipped(Exception):
    """The row cannot be run here."""


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition(): return True
        time.sleep(0.01)
    return condition()


class Folder:
    """A temporary folder, which may get a file system of its own."""

    def __init__(self):
        self.path = os.path.realpath(tempfile.mkdtemp(prefix="faults-"))
        self.mounts = []

    def mount(self, *arguments):
        result = subprocess.run(["mount", *arguments, self.path], capture_output=True, text=True)
        if result.returncode != 0: raise Skipped(result.stderr.strip().replace("\n", " "))
        self.mounts.append(self.path)

    def remove(self):
        for _ in self.mounts: subprocess.run(["umount", "-l", self.path], capture_output=True)
        shutil.rmtree(self.path, ignore_errors=True)


class Server:
    """The real server. It runs on one processor: fewer threads then do the system calls of one upload."""

    def __init__(self, program, store, *options, port=0, environment=None, wrapper=()):
        self.program, self.store, self.options = program, store, options
        environment = {**os.environ, **(environment or {})}
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["taskset", "-c", CPU, *wrapper, program, "--port", str(port), "--dir", store, *options],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log, env=environment)
        line = self.process.stdout.readline().decode()
        match = re.search(r":(\d+)$", line.strip())
        if not match:
            self.end()
            raise RuntimeError("the server did not start: " + self.log_text()[-300:])
        self.port = int(match.group(1))

    @property
    def pid(self): return self.process.pid

    def log_text(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")

    def end(self, number=signal.SIGKILL):
        if self.process.poll() is None: self.process.send_signal(number)
        try: self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        return self.process.returncode


class Answer:
    """What a client saw."""

    def __init__(self, data=b""):
        head, _, self.body = data.partition(b"\r\n\r\n")
        match = re.match(rb"HTTP/1\.1 (\d{3})", head)
        self.status = int(match.group(1)) if match else None
        self.head = head.decode("latin-1")
        # An answer that is cut off is none.
        length = re.search(r"(?i)\r\ncontent-length: *(\d+)", self.head)
        if self.status and length and len(self.body) < int(length.group(1)): self.status = None

    @property
    def is_success(self): return self.status is not None and 200 <= self.status < 300

    @property
    def saved(self):
        """The names of the stored files."""
        return [p["saved_as"] for p in json.loads(self.body)["parts"] if "saved_as" in p] if self.is_success else []

    def field(self, name):
        match = re.search(r"(?i)\r\n%s: *([^\r]*)" % name, self.head)
        return match.group(1) if match else None

    def __str__(self):
        if self.status is None: return "connection lost"
        if self.is_success: return str(self.status)
        try: return f"{self.status} {json.loads(self.body)['error']}"
        except (ValueError, KeyError): return str(self.status)


def talk(port, request, seconds=60):
    """Sends a request on a connection of its own, and reads until the server closes."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as connection:
            try: connection.sendall(request)
            except ConnectionError: pass
            while piece := connection.recv(65536): answer += piece
    except (ConnectionError, socket.timeout): pass
    return Answer(answer)


def put(path, content, *fields):
    head = [f"PUT {path} HTTP/1.1", "Host: x", f"Content-Length: {len(content)}", "Connection: close", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + content


def form(files):
    body = b""
    for name, content in files:
        body += b'--B\r\nContent-Disposition: form-data; name="f"; filename="%s"\r\n\r\n' % name.encode()
        body += content + b"\r\n"
    body += b"--B--\r\n"
    head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\nConnection: close\r\n\r\n" + body


def visible(store):
    """The content of each file that clients can see, by its path in the folder."""
    found = {}
    for folder, folders, names in os.walk(os.fsencode(store)):
        folders[:] = [name for name in folders if not name.startswith(b".")]
        for name in names:
            path = os.path.join(folder, name)
            if name.startswith(b".") or os.path.islink(path) or not os.path.isfile(path): continue
            with open(path, "rb") as file: found[os.path.relpath(path, os.fsencode(store)).decode()] = file.read()
    return found


def leftovers(store):
    return [name for name in os.listdir(os.fsencode(store)) if name.startswith(HIDDEN)]


class Upload:
    """A request, what was stored before it, and what it stores."""

    def __init__(self, title, request, files, before=None, options=()):
        self.title, self.request, self.files = title, request, files
        self.before, self.options = before or {}, options

    def prepare(self, store):
        for name in os.listdir(store):
            path = os.path.join(store, name)
            shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        for name, content in self.before.items():
            os.makedirs(os.path.dirname(os.path.join(store, name)), exist_ok=True)
            with open(os.path.join(store, name), "wb") as file: file.write(content)

    @property
    def after(self): return {**self.before, **self.files}

    def verdict(self, answer, store, is_alive):
        """Why the outcome is wrong; empty if it is right."""
        now, problems = visible(store), []
        if answer.is_success and now != self.after: problems.append("success, but not stored as sent")
        if answer.status is not None and not answer.is_success and now != self.before:
            problems.append("an error, but something changed")
        for name, content in now.items():
            if content not in (self.before.get(name), self.files.get(name)): problems.append(f"{name} is not whole")
        if is_alive:
            if answer.status is None: problems.append("no answer")
            # The folder or file of a request may be removed after its answer.
            if not wait_until(lambda: not leftovers(store), 5): problems.append("a hidden file is left")
            if answer.status is None and now not in (self.before, self.after): problems.append("stored in part")
        return "; ".join(problems)

    def disk(self, store, now=None):
        now = visible(store) if now is None else now
        hidden = f", {len(leftovers(store))} hidden" if leftovers(store) else ""
        if self.files and now == self.after: return "all files" + hidden
        if now == self.before: return ("as before" if self.before else "nothing") + hidden
        return f"{len([n for n in now if now[n] == self.files.get(n)])} of {len(self.files)} files{hidden}"


class Strace:
    """strace(1) attached to the threads of a server that store files."""

    def __init__(self, server, *arguments):
        self.log = tempfile.NamedTemporaryFile(mode="r", prefix="faults-strace-")
        threads = [t for t in os.listdir(f"/proc/{server.pid}/task") if self.is_storage(server.pid, t)]
        targets = [argument for thread in threads for argument in ("-p", thread)]
        self.process = subprocess.Popen(
            ["strace", "-qq", "-y", "-o", self.log.name, *arguments, *targets],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.server = server
        if not wait_until(lambda: self.process.poll() is not None or all(map(self.is_traced, threads))):
            raise RuntimeError("strace does not attach")
        if self.process.poll() is not None: raise Skipped("strace cannot attach")

    @staticmethod
    def is_storage(pid, thread):
        with open(f"/proc/{pid}/task/{thread}/comm") as file: name = file.read()
        return "TP-#" in name

    def is_traced(self, thread):
        try:
            with open(f"/proc/{self.server.pid}/task/{thread}/status") as file:
                return re.search(r"TracerPid:\t[1-9]", file.read()) is not None
        except FileNotFoundError: return True

    def end(self):
        if self.process.poll() is None: self.process.send_signal(signal.SIGINT)
        try: self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        return self.log.read()


class Table:
    """Prints one row at a time and counts the bad ones."""

    def __init__(self): self.good = self.bad = self.skipped = 0

    def row(self, what, client, disk, problem):
        if problem: self.bad += 1
        else: self.good += 1
        print(f"| {what} | {client} | {disk} | {'BAD: ' + problem if problem else 'ok'} |", flush=True)

    def skip(self, what, reason):
        self.skipped += 1
        print(f"| {what} | SKIPPED: {reason} | | |", flush=True)

    def title(self, text):
        print(f"\n## {text}\n\n| what was done | what the client saw | what is on disk | verdict |\n|---|---|---|---|")
