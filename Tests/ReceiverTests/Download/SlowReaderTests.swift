#if os(Linux)
import Foundation
import TestSupport
import Testing

@Suite(
    "Clients that do not read", .timeLimit(.minutes(4)), .serialized,
    .enabled("SKIPPED: there is no python3, or no openssl") {
        Subprocess.find("python3") != nil && Subprocess.find("openssl") != nil
    })
struct SlowReaderTests {
    /// For both ends of 1,000 connections, and their files.
    private static let hasDescriptors = DescriptorLimit.raise(for: "SlowReaderTests", toAtLeast: 2100)

    /// Opens downloads and does not read them. Then closes the connections.
    private static let script = """
        import os, resource, socket, ssl, sys, time
        port, process, authority, connections, streams = int(sys.argv[1]), sys.argv[2], sys.argv[3], *map(int, sys.argv[4:])
        resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        def memory():
            with open(f"/proc/{process}/status") as status:
                return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:")) // 1024
        def seconds():
            with open(f"/proc/{process}/stat") as stat:
                return sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")
        def unsent():
            with open("/proc/net/tcp") as table:
                rows = [line.split() for line in table][1:]
            return max([int(row[4].split(":")[0], 16) for row in rows if row[1].endswith(f":{port:04X}")] + [0]) // 1024
        def connect():
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", port))
            return connection
        def frame(kind, flags, stream, content):
            return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content
        def wait_until_memory_is_constant():
            sizes = [0, memory()]
            while abs(sizes[-1] - sizes[-2]) > 1:
                time.sleep(2)
                sizes.append(memory())
        before = memory()
        opened = []
        for _ in range(connections):
            connection = connect()
            if streams == 0:
                connection.sendall(b"GET /files/text HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
            else:
                context = ssl.create_default_context(cafile=authority)
                context.set_alpn_protocols(["h2"])
                connection = context.wrap_socket(connection, server_hostname="localhost")
                # Windows of 0 bytes (RFC 9113 §6.5.2); GET, https, and gzip are entries of HPACK's static table.
                output = b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + frame(4, 0, 0, b"\\x00\\x04\\x00\\x00\\x00\\x00")
                for number in range(streams):
                    output += frame(1, 5, 2 * number + 1, b"\\x82\\x87\\x04\\x0b/files/text\\x01\\x09localhost\\x90")
                connection.sendall(output)
            opened.append(connection)
        wait_until_memory_is_constant()
        grown, waiting = memory() - before, unsent()
        for connection in opened:
            connection.close()
        time.sleep(0.5)
        used = seconds()
        time.sleep(1.5)
        print(grown, waiting, seconds() - used)
        """

    /// - Returns: the growth of the server's memory in MiB, the largest amount that waits in the kernel for one connection in
    ///   KiB, and the server's processor time, in seconds, from 0.5 to 2 s after the clients were gone.
    private func measure(
        connections: Int, streams: Int
    ) async throws -> (memory: Int, unsent: Int, seconds: Double) {
        let server = try await ServerProcess.start(
            ["--log-level", "error"], isSecure: streams > 0, deadline: .seconds(200))
        defer { server.process.terminate(SIGKILL) }
        var generator = SeededGenerator(case: 1)
        let words = (0..<100_000).map { _ in String(UInt32.random(in: 0..<100_000, using: &generator)) }
        let text = Array(words.joined(separator: " ").utf8)
        try server.directory.write((0..<64).flatMap { _ in text }, to: "text")
        let authority = try await Certificates.shared.authority
        let result = try await Subprocess.run(
            "python3",
            [
                "-c", Self.script, "\(server.port)", "\(server.process.processIdentifier)", authority, "\(connections)",
                "\(streams)",
            ],
            deadline: .seconds(180))
        #expect(result.status == 0, "\(result.errorOutput)")
        let numbers = result.output.split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
        print("\(connections) connections, \(streams) streams each: \(result.output)")
        try #require(numbers.count == 3)
        return (Int(numbers[0]), Int(numbers[1]), numbers[2])
    }

    @Test(
        "1,000 HTTP/1.1 downloads take the memory for what waits to be sent, and little in the kernel",
        .enabled(if: hasDescriptors))
    func http1() async throws {
        let (memory, unsent, seconds) = try await measure(connections: 1000, streams: 0)
        // 64 MiB, and some KiB for each connection.
        #expect(memory < 160)
        // It was up to 4 MiB.
        #expect(unsent < 1024)
        #expect(seconds < 0.75)
    }

    @Test(
        "1,000 compressed HTTP/2 downloads, with windows of 0 bytes, take that memory too, and end with their connections"
    )
    func http2() async throws {
        let (memory, _, seconds) = try await measure(connections: 20, streams: 50)
        #expect(memory < 160)
        // Compression for clients that were gone went on.
        #expect(seconds < 0.75)
    }
}
#endif
