#!/usr/bin/env python3
"""Uploads and downloads files at full load, with aborted transfers and invalid requests among them, and checks every byte.

Runs two servers, with and without TLS. Clients are curl (HTTP/1.1 and HTTP/2), the example and raw sockets. Each second the
memory and the open descriptors of both servers are appended to OUTPUT.csv; OUTPUT.svg is a plot of them.

Exits with status 1 if a byte was wrong, a request did not get the answer that it should get, a file was left, or memory or
descriptors grew. Needs Linux, curl and openssl; nothing but Python's standard library.
"""
import argparse, csv, gzip, hashlib, os, pathlib, random, socket, ssl, statistics, subprocess, sys, tempfile, threading, time

parser = argparse.ArgumentParser()
parser.add_argument("--server", required=True, help="executable")
parser.add_argument("--example", required=True, help="executable")
parser.add_argument("--seconds", type=float, default=60)
parser.add_argument("--workers", type=int, default=12, help="clients at the same time")
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--output", required=True, help="path of the table and the plot, without extension")
options = parser.parse_args()

KIB, MIB = 1 << 10, 1 << 20
folder = tempfile.TemporaryDirectory(prefix="soak-")
root = pathlib.Path(folder.name)


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def digest(content):
    return hashlib.sha256(content).hexdigest()


class Payload:
    """A file to upload, and what the server has to store."""

    def __init__(self, number, content):
        self.content, self.digest, self.size = content, digest(content), len(content)
        self.path = root / f"payload-{number}"
        self.path.write_bytes(content)
        self.gzip_path = root / f"payload-{number}.gz"
        self.gzip_path.write_bytes(gzip.compress(content, 1))


class Server:
    """A server of this package on a free port."""

    def __init__(self, name, arguments, scheme):
        self.name, self.scheme = name, scheme
        self.files = root / f"files-{name}"
        self.log = open(root / f"{name}.log", "wb")
        command = [options.server, "--port", "0", "--dir", str(self.files), "--log-level", "error", *arguments]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log)
        self.port = int(self.process.stdout.readline().decode().rsplit(":", 1)[1])
        self.url = f"{scheme}://localhost:{self.port}"

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) * KIB

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        if self.scheme == "https":
            connection = trusted.wrap_socket(connection, server_hostname="localhost")
        return connection

    def stored(self, name, payload):
        """Compares a stored file with what was sent, and removes it."""
        path = self.files / name
        check(path.exists(), f"{name} is not stored")
        check(digest(path.read_bytes()) == payload.digest, f"{name} has wrong bytes")
        path.unlink()


def run(command, **keywords):
    return subprocess.run(command, capture_output=True, timeout=300, **keywords)


def curl(server, version, *arguments, input=None):
    """Returns the status and the content of a response."""
    command = ["curl", "-sS", "--cacert", str(certificate), f"--http{version}", "-w", "%{stderr}%{http_code}", *arguments]
    result = run(command, input=input)
    check(result.returncode == 0, f"curl {' '.join(arguments)}: {result.stderr.decode()}")
    return int(result.stderr.decode()[-3:]), result.stdout


# What a client does. Each function gets a server, a version of HTTP, a unique name and a payload, and returns the number of
# bytes of content.


def put(server, version, name, payload):
    status, body = curl(server, version, "-T", str(payload.path), f"{server.url}/{name}")
    check(status == 201, f"PUT: {status} {body[:200]}")
    server.stored(name, payload)
    return payload.size


def put_from_pipe(server, version, name, payload):
    status, body = curl(server, version, "-T", "-", f"{server.url}/{name}", input=payload.content)
    check(status == 201, f"PUT from a pipe: {status} {body[:200]}")
    server.stored(name, payload)
    return payload.size


def put_compressed(server, version, name, payload):
    fields = ["-H", "Content-Encoding: gzip"]
    status, body = curl(server, version, *fields, "-T", str(payload.gzip_path), f"{server.url}/{name}")
    check(status == 201, f"PUT of gzip: {status} {body[:200]}")
    server.stored(name, payload)
    return payload.size


def form(server, version, name, payload):
    names = [f"{name}-{number}" for number in range(5)]
    parts = [argument for part in names for argument in ("-F", f"f=@{payload.path};filename={part}")]
    status, body = curl(server, version, *parts, "-F", "note=text", f"{server.url}/")
    check(status == 201, f"form: {status} {body[:200]}")
    for part in names:
        server.stored(part, payload)
    return len(names) * payload.size


def example(server, version, name, payload):
    path = root / name
    os.link(payload.path, path)
    arguments = ["-cacert", str(certificate), *random.choice([[], ["-gzip"]]), "-filepath", str(path)]
    result = run([options.example, *arguments], env={**os.environ, "UPLOAD_HOST": server.url})
    path.unlink()
    check(result.returncode == 0, f"example: {result.stdout[-300:]} {result.stderr[-300:]}")
    server.stored(name, payload)
    return payload.size


def get(server, version, name, payload):
    coding = random.choice([[], ["--compressed"]])
    status, body = curl(server, version, *coding, f"{server.url}/files/{payload.path.name}")
    check(status == 200, f"GET: {status}")
    check(digest(body) == payload.digest, f"GET {payload.path.name} {coding}: wrong bytes")
    return payload.size


def get_range(server, version, name, payload):
    first = random.randrange(max(1, payload.size - 1))
    last = min(payload.size - 1, first + random.randrange(MIB))
    if payload.size == 0:
        return 0
    status, body = curl(server, version, "-r", f"{first}-{last}", f"{server.url}/files/{payload.path.name}")
    check(status == 206, f"range: {status}")
    check(body == payload.content[first : last + 1], f"range of {payload.path.name}: wrong bytes")
    return len(body)


def parallel(server, version, name, payload):
    """Several downloads on one connection."""
    files = [root / f"{name}-{number}" for number in range(8)]
    arguments = [argument for file in files for argument in ("-o", str(file), f"{server.url}/files/{payload.path.name}")]
    status, _ = curl(server, version, "--parallel", "--no-progress-meter", *arguments)
    check(status == 200, f"parallel download: {status}")
    for file in files:
        check(digest(file.read_bytes()) == payload.digest, "parallel download: wrong bytes")
        file.unlink()
    return len(files) * payload.size


def echo(server, version, name, payload):
    status, body = curl(server, version, "-X", "POST", "-T", str(payload.path), f"{server.url}/echo")
    check(status == 200 and digest(body) == payload.digest, f"echo: {status}, or wrong bytes")
    return 2 * payload.size


def pages(server, version, name, payload):
    status, _ = curl(server, version, f"{server.url}/files?limit=5")
    check(status == 200, f"list: {status}")
    status, _ = curl(server, version, "--compressed", f"{server.url}/")
    check(status == 200, f"page: {status}")
    status, _ = curl(server, version, f"{server.url}/health")
    check(status == 200, f"health: {status}")
    return 0


def close(connection, is_reset):
    if is_reset:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def abort_upload(server, version, name, payload):
    with server.connect() as connection:
        head = f"PUT /{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {payload.size + 1}\r\n\r\n"
        connection.sendall(head.encode() + payload.content)
        close(connection, random.random() < 0.5)
    return 0


def abort_download(server, version, name, payload):
    coding = random.choice(["gzip", "identity"])
    with server.connect() as connection:
        get = f"GET /files/{payload.path.name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        connection.sendall(f"{get}Accept-Encoding: {coding}\r\n\r\n".encode())
        for _ in range(random.randrange(8)):
            if not connection.recv(64 * KIB):
                break
        close(connection, random.random() < 0.5)
    return 0


def read_slowly(server, version, name, payload):
    with server.connect() as connection:
        get = f"GET /files/{payload.path.name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(get.encode())
        for _ in range(10):
            if not connection.recv(KIB):
                break
            time.sleep(0.1)
    return 0


def cut_by_curl(server, version, name, payload):
    """An upload or a download that ends in the middle. Nobody knows whether the upload is stored: it may be complete."""
    transfer = random.choice([["-T", str(payload.path), f"{server.url}/{name}"], [f"{server.url}/count/inf?interval=0"]])
    run(["curl", "-sS", "--cacert", str(certificate), f"--http{version}", "--max-time", "0.2", "-o", os.devnull, *transfer])
    unknown[server.name, name] = payload
    return 0


def invalid(server, version, name, payload):
    head = "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    form = head + "Content-Type: multipart/form-data; boundary=B\r\n"
    coded = f"PUT /{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Encoding: gzip\r\n"
    request, status = random.choice([
        ("\1\r\n\r\n", 400),
        (form + "Transfer-Encoding: chunked\r\n\r\nXYZ\r\n", 400),
        (form + "Content-Length: 10\r\n\r\n--C\r\n--C--", 400),
        (form + "Content-Length: 16\r\n\r\n--B\r\nno header\r\n", 400),
        (coded + "Content-Length: 10\r\n\r\nno gzip...", 400),
        (head + "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nab", 415),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nA: " + 100 * KIB * "a" + "\r\n\r\n", 431),
        ("GET /files/none HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 404),
        ("BREW / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 501),
    ])
    with server.connect() as connection:
        connection.sendall(request.encode())
        answer = connection.recv(64 * KIB)
        check(answer.split(b" ", 2)[1:2] == [str(status).encode()], f"{request[:60]!r}: {answer[:100]!r} instead of {status}")
    return 0


ACTIONS = [
    put, put, put_from_pipe, put_compressed, form, form, example, example, get, get, get_range, parallel, echo, pages,
    abort_upload, abort_upload, abort_download, abort_download, read_slowly, cut_by_curl, cut_by_curl, invalid, invalid,
]


# Uploads that are stored whole or not at all.
unknown = {}


class Load:
    """What all clients have done."""

    def __init__(self):
        self.lock = threading.Lock()
        self.requests, self.bytes, self.failures = {}, 0, []
        self.is_over = threading.Event()

    def work(self, number):
        chance = random.Random(options.seed * 1000 + number)
        count = 0
        while not self.is_over.is_set():
            count += 1
            server = chance.choice(servers)
            version = "1.1" if server.scheme == "http" else chance.choice(versions)
            action, payload = chance.choice(ACTIONS), chance.choice(payloads)
            try:
                size = action(server, version, f"{number}-{count}", payload)
            except Exception as error:
                with self.lock:
                    self.failures.append(f"{action.__name__}, {server.name}, HTTP/{version}, {payload.size} bytes: {error!r}")
                if len(self.failures) > 20:
                    self.is_over.set()
                continue
            with self.lock:
                self.requests[action.__name__] = self.requests.get(action.__name__, 0) + 1
                self.bytes += size


def sample(load):
    """Measures both servers each second until the time is over."""
    start, rows = time.monotonic(), []
    while (now := time.monotonic() - start) < options.seconds and not load.is_over.is_set():
        time.sleep(max(0, len(rows) + 1 - now))
        for server in servers:
            check(server.process.poll() is None, f"the server {server.name} has ended: {server.process.returncode}")
        row = [round(time.monotonic() - start, 1), load.bytes, sum(load.requests.values())]
        rows.append(row + [value for server in servers for value in (server.memory(), server.descriptors())])
    return rows


def growth(rows, column, name, slack):
    """Compares the medians of the first quarter, after the first tenth, and of the last quarter."""
    values = [row[column] for row in rows]
    first = statistics.median(values[len(values) // 10 : len(values) // 10 + max(1, len(values) // 4)])
    last = statistics.median(values[-max(1, len(values) // 4) :])
    return [f"{name} grew from {first:,.0f} to {last:,.0f}"] if last > 1.2 * first + slack else []


def plot(rows, path):
    """Writes three curves over time: throughput, memory and descriptors."""
    width, height, left, gap = 860, 150, 70, 60
    times = [row[0] for row in rows]
    rates = [0] + [(b[1] - a[1]) / MIB / max(0.1, b[0] - a[0]) for a, b in zip(rows, rows[1:])]
    charts = [
        ("content, MiB/s", [("#666", "both servers", rates)]),
        ("memory, MiB", [("#0b6e5f", servers[0].name, [row[3] / MIB for row in rows]),
                         ("#b04a00", servers[1].name, [row[5] / MIB for row in rows])]),
        ("descriptors", [("#0b6e5f", servers[0].name, [row[4] for row in rows]),
                         ("#b04a00", servers[1].name, [row[6] for row in rows])]),
    ]
    total = len(charts) * (height + gap) + 20
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width + left + 20} {total}" font-family="sans-serif" font-size="12">',
        f'<rect width="100%" height="100%" fill="#fff"/>',
    ]
    end = max(times)
    for number, (title, curves) in enumerate(charts):
        top = 40 + number * (height + gap)
        highest = max(max(values) for _, _, values in curves) * 1.1 or 1
        lines.append(f'<text x="{left}" y="{top - 10}" font-weight="bold">{title}</text>')
        for part in range(5):
            y = top + height - height * part / 4
            lines.append(f'<path d="M{left} {y:.1f}h{width}" stroke="#ddd"/>')
            lines.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{highest * part / 4:.0f}</text>')
        for position, (color, name, values) in enumerate(curves):
            points = " ".join(
                f"{left + width * t / end:.1f},{top + height - height * v / highest:.1f}" for t, v in zip(times, values))
            lines.append(f'<polyline points="{points}" fill="none" stroke="{color}" stroke-width="1.2"/>')
            lines.append(f'<text x="{left + width - 100 * position}" y="{top - 10}" text-anchor="end" fill="{color}">{name}</text>')
        for part in range(6):
            x = left + width * part / 5
            lines.append(f'<text x="{x:.0f}" y="{top + height + 16}" text-anchor="middle">{end * part / 5:.0f} s</text>')
    path.write_text("\n".join([*lines, "</svg>"]) + "\n")


def leftovers():
    """Files that should not be there."""
    names = {payload.path.name for payload in payloads}
    found = []
    for server in servers:
        for name in set(os.listdir(server.files)) - names:
            payload = unknown.get((server.name, name))
            if payload is None or digest((server.files / name).read_bytes()) != payload.digest:
                found.append(f"{server.name}/{name}")
    return found


chance = random.Random(options.seed)
text = " ".join(f"{chance.getrandbits(20):x}" for _ in range(MIB // 2)).encode()
sizes = [0, 1, 1000, 65_535, 65_536, 300_000, 4 * MIB, 24 * MIB]
payloads = [Payload(number, chance.randbytes(size)) for number, size in enumerate(sizes)]
payloads += [Payload(len(payloads) + number, (text * 8)[:size]) for number, size in enumerate([5000, 900_000, 12 * MIB])]
certificate, key = root / "certificate.pem", root / "key.pem"
subprocess.run(
    ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-keyout",
     str(key), "-out", str(certificate), "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
    check=True, capture_output=True)
trusted = ssl.create_default_context(cafile=certificate)
versions = ["1.1", "2"] if b"HTTP2" in run(["curl", "--version"]).stdout else ["1.1"]
servers = [
    Server("HTTP", [], "http"), Server("HTTPS", ["--tls-cert", str(certificate), "--tls-key", str(key)], "https"),
]
problems = []
try:
    for server in servers:
        for payload in payloads:
            (server.files / payload.path.name).write_bytes(payload.content)
    load = Load()
    workers = [threading.Thread(target=load.work, args=(number,)) for number in range(options.workers)]
    for worker in workers:
        worker.start()
    try:
        rows = sample(load)
    finally:
        load.is_over.set()
        for worker in workers:
            worker.join()
    problems += load.failures
    deadline = time.monotonic() + 10
    while leftovers() and time.monotonic() < deadline:
        time.sleep(0.2)
    problems += [f"left: {name}" for name in leftovers()]
    for number, server in enumerate(servers):
        # A new process grows to the size that its load needs.
        slack = 16 * MIB if options.seconds >= 300 else 64 * MIB
        problems += growth(rows, 3 + 2 * number, f"memory of {server.name}", slack)
        problems += growth(rows, 4 + 2 * number, f"descriptors of {server.name}", 20)
    names = [f"{what} {server.name}" for server in servers for what in ("memory", "descriptors")]
    with open(options.output + ".csv", "w", newline="") as file:
        csv.writer(file).writerows([["seconds", "bytes", "requests", *names], *rows])
    plot(rows, pathlib.Path(options.output + ".svg"))
    total = sum(load.requests.values())
    print(f"{total:,} requests, {load.bytes / MIB / KIB:.1f} GiB of content in {rows[-1][0]:.0f} s, {len(problems)} problems")
    print(", ".join(f"{count} {name}" for name, count in sorted(load.requests.items())))
    for server in servers:
        print(f"{server.name}: {server.memory() / MIB:.0f} MiB and {server.descriptors()} descriptors at the end")
finally:
    for server in servers:
        server.process.terminate()
        server.process.wait()
        problems += (root / f"{server.name}.log").read_text().splitlines()[:20]
for problem in problems:
    print(problem, file=sys.stderr)
sys.exit(1 if problems else 0)
