import ContentCoding
import Foundation
import TestSupport
import Testing

@Suite("The server program", .timeLimit(.minutes(5)), .serialized)
struct ServerExecutableTests {
    @Test("the program starts, stores an upload, and stops at a signal", arguments: [SIGTERM, SIGINT])
    func startsAndStops(signal: Int32) async throws {
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(["--dir", directory.path("up")])
        #expect(server.url == "http://127.0.0.1:\(server.port)")
        let body = RunningServer.document([("x", [1])])
        let response = try await server.response(
            to: RunningServer.head(path: "/upload?secret", length: body.count), body)
        #expect(response.status == 201)
        server.process.terminate(signal)
        let result = await server.process.result()
        #expect(result.status == 0)
        #expect(result.errorOutput.contains("POST /upload 201"))
        #expect(!result.errorOutput.contains("secret"))
        #expect(result.output.split(separator: "\n").count == 1)
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path("up")) == ["x"])
    }

    @Test("--max-decoded-size and --max-ratio limit decoded bodies") func limits() async throws {
        let server = try await ServerProcess.start(["--max-decoded-size", "1K", "--max-ratio", "3"])
        defer { server.process.terminate() }
        for (size, status) in [(1024, 201), (1025, 413)] {
            let body = try Samples.encoded([UInt8](repeating: 0, count: size), .gzip)
            let response = try await server.response(
                to: "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nContent-Length: \(body.count)\r\n\r\n",
                body)
            #expect(response.status == status, "\(response.body)")
        }
        #expect(try server.directory.contents() == ["x"])
        for arguments in [["--max-decoded-size", "1X"], ["--max-ratio", "0"]] {
            let result = try await Subprocess.run(Subprocess.product("server"), arguments, deadline: .seconds(30))
            #expect(result.status == 64)
        }
    }

    @Test("an error at start is one line on standard error") func startErrors() async throws {
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(["--discard"])
        defer { server.process.terminate() }
        let file = try directory.write([], to: "file")
        for arguments in [
            ["--port", "\(server.port)", "--discard"], ["--port", "0", "--dir", file],
            ["--port", "0", "--dir", file + "/x"],
            ["--port", "0", "--discard", "--host", "no.such.host.invalid"],
            ["--port", "0", "--discard", "--tls-cert", file, "--tls-key", file],
        ] {
            let result = try await Subprocess.run(Subprocess.product("server"), arguments, deadline: .seconds(30))
            #expect(result.status == 1)
            #expect(result.output.isEmpty)
            #expect(result.errorOutput.hasPrefix("Error: cannot "))
            #expect(result.errorOutput.split(separator: "\n").count == 1, "\(result.errorOutput)")
        }
    }

    @Test("decoding 768 MiB of zeros on each connection does not delay others")
    func decodingDelaysNobody() async throws {
        let server = try await ServerProcess.start(["--discard"], deadline: .seconds(240))
        defer { server.process.terminate() }
        let port = server.port
        let member = try Samples.encoded([UInt8](repeating: 0, count: 64 << 20), .gzip)
        let zeros = Array(repeatElement(member, count: 12).joined())
        let clock = ContinuousClock()
        let start = clock.now
        // More than there are event loops, so that each loop has some.
        let connections = 2 * ProcessInfo.processInfo.activeProcessorCount
        let (slowest, whole) = try await withThrowingTaskGroup(of: (Duration, Duration).self) { group in
            for _ in 0..<connections {
                group.addTask {
                    try await RawConnection.onThread {
                        let connection = try RawConnection(port: port, deadline: .seconds(100))
                        let fields = "Host: x\r\nContent-Encoding: gzip\r\nContent-Length: \(zeros.count)"
                        #expect(try connection.ask("PUT /zeros HTTP/1.1\r\n\(fields)\r\n\r\n", zeros).status == 201)
                        return (.zero, clock.now - start)
                    }
                }
                group.addTask {
                    try await RawConnection.onThread {
                        let connection = try RawConnection(port: port, deadline: .seconds(100))
                        var slowest = Duration.zero
                        for _ in 0..<100 {
                            let asked = clock.now
                            #expect(try connection.ask("OPTIONS / HTTP/1.1\r\nHost: x\r\n\r\n").status == 204)
                            slowest = max(slowest, clock.now - asked)
                            usleep(10_000)
                        }
                        return (slowest, .zero)
                    }
                }
            }
            return try await group.reduce((.zero, .zero)) { (max($0.0, $1.0), max($0.1, $1.1)) }
        }
        print("slowest response while zeros were decoded for \(whole): \(slowest)")
        // Decoding on the event loop would take half of the time. Relative, because other tests may slow everything down.
        #expect(slowest < whole / 5)
    }

    #if os(Linux)
    @Test(
        "an upload of 256 MiB takes less than 24 MiB of memory",
        .enabled(if: Subprocess.find("curl") != nil, "there is no curl"), arguments: [false, true])
    func constantMemory(discard: Bool) async throws {
        let directory = try TemporaryDirectory()
        let server = try await ServerProcess.start(discard ? ["--discard"] : [], deadline: .seconds(240))
        defer { server.process.terminate() }
        let large = directory.path("large")
        try directory.write([], to: "large")
        truncate(large, 256 << 20)
        func upload(_ path: String) async throws {
            let result = try await Subprocess.run(
                "curl", ["-sS", "-w", "%{stderr}%{http_code}", "-F", "f=@\(path)", server.url],
                deadline: .seconds(120)
            )
            #expect(result.errorOutput == "201", "\(result.output)")
        }
        try await upload(try directory.write([1], to: "small"))
        let before = try server.peakMemory
        try await upload(large)
        let growth = try server.peakMemory - before
        print("peak memory grew by \(growth / 1024) MiB for 256 MiB\(discard ? " discarded" : "")")
        #expect(growth < 24 * 1024)
    }

    @Test(
        "512 MiB of zeros, compressed a thousandfold, are decoded, stored and sent in constant memory",
        .enabled(if: Subprocess.find("python3") != nil, "there is no python3"), arguments: ["POST", "PUT"])
    func constantMemoryWhenDecoding(method: String) async throws {
        let server = try await ServerProcess.start(deadline: .seconds(240))
        defer { server.process.terminate() }
        let script = """
            import http.client, sys, zlib
            method, port, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
            def coded():
                encoder = zlib.compressobj(9, zlib.DEFLATED, 31)
                if method == "POST":
                    yield encoder.compress(b'--B\\r\\nContent-Disposition: form-data; name="f"; filename="z"\\r\\n\\r\\n')
                for _ in range(count):
                    data = encoder.compress(bytes(1 << 20))
                    if data: yield data
                if method == "POST": yield encoder.compress(b"\\r\\n--B--\\r\\n")
                yield encoder.flush()
            server = http.client.HTTPConnection("127.0.0.1", port)
            fields = {"Content-Encoding": "gzip"}
            if method == "POST": fields["Content-Type"] = "multipart/form-data; boundary=B"
            server.request(method, "/" if method == "POST" else "/z", coded(), fields, encode_chunked=True)
            answer = server.getresponse()
            assert answer.status == 201, answer.read()
            answer.read()
            for coding in ["identity", "gzip", "deflate"]:
                server.request("GET", "/files/z", headers={"Accept-Encoding": coding})
                answer = server.getresponse()
                assert answer.status == 200
                assert answer.headers.get("Content-Encoding", "identity") == coding
                decoder = {"gzip": zlib.decompressobj(31), "deflate": zlib.decompressobj(15)}.get(coding)
                size = 0
                while data := answer.read(1 << 16):
                    while data:
                        part = decoder.decompress(data, 1 << 20) if decoder else data
                        data = decoder.unconsumed_tail if decoder else b""
                        assert not part.strip(b"\\0")
                        size += len(part)
                if decoder:
                    size += len(decoder.flush())
                    assert decoder.eof
                assert size == count << 20, (coding, size)
            """
        func roundTrip(_ megabytes: Int) async throws {
            let result = try await Subprocess.run(
                "python3", ["-c", script, method, "\(server.port)", "\(megabytes)"], deadline: .seconds(200))
            #expect(result.status == 0, "\(result.errorOutput)")
            try FileManager.default.removeItem(atPath: server.directory.path("z"))
        }
        try await roundTrip(1)
        let before = try server.peakMemory
        try await roundTrip(512)
        let growth = try server.peakMemory - before
        print("peak memory grew by \(growth / 1024) MiB for 512 MiB of zeros, \(method)")
        #expect(growth < 24 * 1024)
    }

    @Test("a full disk gives 507 and leaves no file") func fullDisk() async throws {
        guard let directory = try TemporaryDirectory(size: "4m") else { try Test.cancel("no file system") }
        let server = try await ServerProcess.start(["--dir", directory.path])
        let body = RunningServer.document([("a", [1]), ("b", [UInt8](repeating: 1, count: 8 << 20))])
        for chunked in [false, true] {
            let response = try await server.response(
                to: RunningServer.head(length: chunked ? nil : body.count), chunked ? chunk(body) : body)
            #expect(response.status == 507)
            #expect(try Answer(response.body.utf8).error?.contains("full") == true)
            #expect(try directory.contents().isEmpty)
        }
        server.process.terminate()
        #expect(await server.process.result().status == 0)
    }
    #endif
}
