"""Uploads a file over a bad link: 1 % of all packets are lost, a proxy delays every byte, and it cuts the connection every
few seconds. Compares the time with the time without cuts, and the stored bytes with the file.

The client and the proxy are in network namespaces of their own; nftables loses the packets. Needs root, iproute2, nftables.

    soak-resume.py --server FILE --example FILE --directory FOLDER [--mebibytes 200] [--seconds 10]
"""

import argparse
import filecmp
import os
import queue
import socket
import struct
import subprocess
import sys
import threading
import time

DELAY = 0.1  # of each direction, in seconds
WINDOW = 1 << 20  # the most bytes on the way in one direction: with the delay this limits the rate
SPACES = ("resume-client", "resume-server")
ADDRESS = "10.77.0.2"


class Proxy:
    """Forwards connections with a delay, and resets all of them every `interval` seconds; never if that is None."""

    def __init__(self, listener, port, interval):
        self.listener, self.port, self.interval = listener, port, interval
        self.cuts = 0
        self.lock = threading.Lock()
        self.pairs = []
        threading.Thread(target=self.accept, daemon=True).start()
        if interval:
            threading.Thread(target=self.cut, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.port))
            with self.lock:
                self.pairs.append((client, server))
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self.forward, args=(source, target), daemon=True).start()

    def cut(self):
        while True:
            time.sleep(self.interval)
            with self.lock:
                pairs, self.pairs = self.pairs, []
            for pair in pairs:
                for end in pair:
                    try:
                        # A reset, as by a router that has forgotten the connection.
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        end.shutdown(socket.SHUT_RDWR)
                    except OSError:
                        continue
                self.cuts += 1

    def forward(self, source, target):
        # The queue holds WINDOW bytes at most.
        pieces = queue.Queue(WINDOW >> 14)
        threading.Thread(target=self.deliver, args=(pieces, target), daemon=True).start()
        try:
            while piece := source.recv(1 << 14):
                pieces.put((time.monotonic() + DELAY, piece))
        except OSError:
            pass
        pieces.put((time.monotonic() + DELAY, b""))

    @staticmethod
    def deliver(pieces, target):
        isOpen = True
        while True:
            due, piece = pieces.get()
            time.sleep(max(0, due - time.monotonic()))
            try:
                if piece and isOpen:
                    target.sendall(piece)
                elif isOpen:
                    target.shutdown(socket.SHUT_WR)
            except OSError:
                isOpen = False
            if not piece:
                return


def run(*command):
    subprocess.run(command, check=True)


def make_link():
    client, server = SPACES
    for space in SPACES:
        subprocess.run(["ip", "netns", "delete", space], stderr=subprocess.DEVNULL)
        run("ip", "netns", "add", space)
    run("ip", "link", "add", "veth0", "netns", client, "type", "veth", "peer", "name", "veth0", "netns", server)
    for space, address in ((client, "10.77.0.1"), (server, ADDRESS)):
        inside = ("ip", "-n", space)
        run(*inside, "address", "add", f"{address}/24", "dev", "veth0")
        run(*inside, "link", "set", "lo", "up")
        # Packets of the usual size: otherwise a lost one would have up to 64 KiB.
        run(*inside, "link", "set", "veth0", "gso_max_segs", "1", "up")
        for rule in (
            "add table ip loss",
            "add chain ip loss input { type filter hook input priority 0; }",
            "add rule ip loss input iif veth0 numgen random mod 100 < 1 drop",
        ):
            run("ip", "netns", "exec", space, "nft", rule)


def upload(options, interval):
    """Returns the seconds it took, and how often the connection was cut."""
    folder = os.path.join(options.directory, "stored")
    os.mkdir(folder)
    path = os.path.join(options.directory, "file")
    inside = ["ip", "netns", "exec", SPACES[1]]
    server = subprocess.Popen(
        inside + [options.server, "--port", "0", "--dir", folder, "--log-level", "error"], stdout=subprocess.PIPE, text=True)
    try:
        port = server.stdout.readline().rsplit(":", 1)[1].strip()
        proxy = subprocess.Popen(
            inside + [sys.executable, __file__, "--proxy", port, "--seconds", str(interval or 0)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        url = f"http://{ADDRESS}:{proxy.stdout.readline().strip()}"
        begin = time.monotonic()
        run("ip", "netns", "exec", SPACES[0], "env", f"UPLOAD_HOST={url}", options.example, "-resume", "-filepath", path)
        seconds = time.monotonic() - begin
        cuts = int(proxy.communicate("")[0])
        if not filecmp.cmp(path, os.path.join(folder, "file"), shallow=False):
            sys.exit("the stored file differs")
        os.remove(os.path.join(folder, "file"))
        return seconds, cuts
    finally:
        server.kill()
        server.wait()
        subprocess.run(["rm", "-rf", folder], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--server")
    parser.add_argument("--example")
    parser.add_argument("--directory")
    parser.add_argument("--proxy", type=int, help="the port to forward to: only for this script's own process")
    parser.add_argument("--mebibytes", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10)
    options = parser.parse_args()
    if options.proxy:
        listener = socket.create_server((ADDRESS, 0))
        print(listener.getsockname()[1], flush=True)
        proxy = Proxy(listener, options.proxy, options.seconds)
        sys.stdin.read()
        print(proxy.cuts)
        return
    make_link()
    try:
        with open(os.path.join(options.directory, "file"), "wb") as file:
            for _ in range(options.mebibytes):
                file.write(os.urandom(1 << 20))
        whole, _ = upload(options, None)
        print(f"without cuts: {whole:.1f} s")
        seconds, cuts = upload(options, options.seconds)
        print(f"with {cuts} cuts: {seconds:.1f} s, {seconds / whole:.2f} of it")
        if seconds > 1.3 * whole:
            sys.exit("the cuts cost more than 30 %")
    finally:
        for space in SPACES:
            subprocess.run(["ip", "netns", "delete", space])


main()
