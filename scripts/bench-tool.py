"""Measures `upload` and its peers for scripts/bench-tool.sh: bench-tool.py BIN TOOLS FOLDER ROUNDS CASES"""

import atexit, glob, itertools, os, re, shutil, socket, statistics, subprocess, sys, time

bin, tools, folder, rounds, selected = *sys.argv[1:4], int(sys.argv[4]), sys.argv[5]
delay = 25
big = folder + "/big.bin"
stored = folder + "/stored"
# httpie sends one request per process: this many are measured, and the time is multiplied.
sample = 40
prefix = os.environ.get("BENCH_WITH", "").split()


def start(*command):
    """Starts a server that prints where it listens; returns that line."""
    process = subprocess.Popen([*prefix, *command], stdout=subprocess.PIPE, stderr=open(f"{folder}/servers.log", "a"), text=True)
    atexit.register(process.terminate)
    return process.stdout.readline().strip()


def server(*arguments):
    os.makedirs(stored, exist_ok=True)
    return int(start(f"{bin}/server", "--port", "0", "--dir", stored, *arguments).rsplit(":", 1)[1].strip("/"))


def nginx():
    """A WebDAV server on a free port; None without nginx."""
    if not shutil.which("nginx"):
        return None
    module = glob.glob("/usr/lib/nginx/modules/ngx_http_dav_ext_module.so")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with open(folder + "/nginx.conf", "w") as file:
        file.write(f"""
            {f"load_module {module[0]};" if module else ""}
            {"user root;" if os.getuid() == 0 else ""}
            worker_processes 2; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
            events {{ }}
            http {{
                access_log off; client_max_body_size 0; client_body_temp_path {folder}/bodies;
                keepalive_requests 100000;
                server {{
                    listen 127.0.0.1:{port}; root {stored}; create_full_put_path on;
                    dav_methods PUT DELETE MKCOL COPY MOVE; {"dav_ext_methods PROPFIND OPTIONS;" if module else ""}
                }}
            }}""")
    process = subprocess.Popen([*prefix, "nginx", "-p", folder, "-c", folder + "/nginx.conf"], stderr=subprocess.DEVNULL)
    atexit.register(process.terminate)
    return port


def distant(port):
    return port and int(start(f"{tools}/delay", str(delay), str(port)))


def config(name, lines):
    """A file of options for curl."""
    path = f"{folder}/{name}.curl"
    with open(path, "w") as file:
        file.write("\n".join(lines))
    return ["curl", "-sS", "--fail", "-K", path]


def per_file(name, lines):
    """Options of curl for a request for each file, four at a time."""
    requests = ["\n".join([*lines(path), 'output = "/dev/null"']) for path in small]
    return [*config(name, ["\nnext\n".join(requests)]), "-Z", "--parallel-max", "4"]


def webdav(url):
    return ["--config", "/dev/null", "--webdav-url", url, "--webdav-vendor", "other"]


def many_httpie(*arguments):
    return ["xargs", "-a", f"{folder}/sample", "-P", "4", "-I", "{}", "http", "--ignore-stdin", *arguments]


def cases(link, discards, stores, puts):
    for action, port in (("discarded", discards), ("stored", stores)):
        url = f"http://127.0.0.1:{port}/"
        yield f"1 GiB in a form, {action}, {link}", {
            "upload": [f"{bin}/upload", big, url],
            "curl": ["curl", "-sS", "--fail", "-F", f"file=@{big}", url],
            "httpie": ["http", "--ignore-stdin", "-f", "POST", url, f"file@{big}"],
        }
        yield f"1,000 files in one form, {action}, {link}", {
            "upload": [f"{bin}/upload", "--together", folder + "/small", url],
            "curl": [*config("form-" + link, [f'form = "file=@{path}"' for path in small]), url],
            "httpie": ["http", "--ignore-stdin", "-f", "POST", url, *[f"file@{path}" for path in small]],
        }
        yield f"1,000 files in a form each, {action}, {link}", {
            "upload": [f"{bin}/upload", "--jobs", "4", folder + "/small", url],
            "curl": per_file(f"forms-{action}-{link}", lambda path: [f'url = "{url}"', f'form = "file=@{path}"']),
            "httpie": many_httpie("-f", "POST", url, "file@{}"),
        }
    if not puts:
        return
    url = f"http://127.0.0.1:{puts}/"
    yield f"1 GiB by PUT to nginx, {link}", {
        "upload": [f"{bin}/upload", "--put", big, url],
        "curl": ["curl", "-sS", "--fail", "-T", big, url],
        "httpie": ["http", "--ignore-stdin", "PUT", url + "big.bin", f"@{big}"],
        "rclone": ["rclone", "copyto", *webdav(url), big, ":webdav:big.bin"],
    }
    name = os.path.basename
    yield f"1,000 files by PUT to nginx, {link}", {
        "upload": [f"{bin}/upload", "--put", "--jobs", "4", folder + "/small", url],
        "curl": per_file("puts-" + link, lambda path: [f'url = "{url}{name(path)}"', f'upload-file = "{path}"']),
        "rclone": ["rclone", "copyto", *webdav(url), "--transfers", "4", folder + "/small", ":webdav:small"],
    }


def run(command):
    """Runs a command; returns seconds and KiB."""
    # Small files are moved, not removed: ext4 passes over the inodes of files that were removed in the last seconds, one by one.
    for entry in os.scandir(stored):
        if entry.is_file() and entry.stat().st_size > 1 << 20:
            os.unlink(entry.path)
        else:
            os.rename(entry.path, f"{folder}/old/{next(numbers)}")
    # The peak that wait4(2) reports of a child of this process includes the memory of Python before the exec.
    measured = [*prefix, "/usr/bin/time", "-f", "%M", "-o", folder + "/memory", *command]
    begun = time.monotonic()
    result = subprocess.run(measured, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    seconds = time.monotonic() - begun
    if result.returncode:
        sys.exit(f"{command[:6]}: status {result.returncode}: {result.stderr.decode()[-500:]}")
    with open(folder + "/memory") as file:
        return seconds * (len(small) / sample if command[0] == "xargs" else 1), int(file.read())


os.makedirs(folder + "/small")
os.makedirs(folder + "/old")
numbers = itertools.count()
small = [f"{folder}/small/{index:04}.bin" for index in range(1000)]
for path in small:
    with open(path, "wb") as file:
        file.write(os.urandom(1024))
with open(folder + "/sample", "w") as file:
    file.write("\n".join(small[:sample]))
with open(big, "wb") as file:
    for _ in range(256):
        file.write(os.urandom(4 << 20))
near = [server("--discard"), server(), nginx()]
time.sleep(0.5)
links = {"loopback": near, f"{2 * delay} ms": [distant(port) for port in near]}
# A control of the delay: the time of an empty request.
for link, ports in links.items():
    command = [*prefix, "curl", "-sS", "-o", "/dev/null", "-w", "%{time_total}", f"http://127.0.0.1:{ports[0]}/"]
    times = [float(subprocess.check_output(command)) for _ in range(5)]
    print(f"an empty request, {link}: {statistics.median(times) * 1000:.0f} ms")

print(f"medians of {rounds} rounds; MiB is the peak of the resident memory; httpie sends {sample} files of the 1,000, times {1000 // sample}")
peers = ["upload", "curl", "httpie", "rclone"]
print("| case |", " | ".join(peers), "| upload / curl |\n" + "|---" * (len(peers) + 2) + "|")
for link, ports in links.items():
    for case, commands in cases(link, *ports):
        if not re.search(selected, case):
            continue
        program = {"httpie": "http"}
        commands = {name: command for name, command in commands.items() if name == "upload" or shutil.which(program.get(name, name))}
        results = {name: [] for name in commands}
        for _ in range(rounds):
            for name, command in commands.items():
                results[name].append(run(command))
        seconds = {name: statistics.median(result[0] for result in all) for name, all in results.items()}
        memory = {name: statistics.median(result[1] for result in all) for name, all in results.items()}
        cells = [f"{seconds[name]:.3g} s, {memory[name] / 1024:.0f} MiB" if name in seconds else "" for name in peers]
        print(f"| {case} | {' | '.join(cells)} | {seconds['upload'] / seconds['curl']:.2f} |", flush=True)
