import Crypto
import Foundation
import Platform
import TestSupport
import Testing

@testable import Receiver

@Suite("Clients of other origins", .timeLimit(.minutes(5)))
struct InteroperationTests {
    private static let packages = ["requests", "httpx"]

    private static let contents = [
        Data(), Data([0]), Data((0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }),
    ]

    private func check(_ answer: Answer, _ server: RunningServer, names: [String]) throws {
        let files = try #require(answer.parts?.filter { $0.filename != nil })
        #expect(files.map(\.filename) == names)
        for (file, content) in zip(files, Self.contents) {
            #expect(file.size == content.count)
            #expect(file.sha256 == SHA256.hash(data: content).hexadecimal)
            #expect(try server.directory.read(try #require(file.savedAs)) == content)
        }
        let field = try #require(answer.parts?.first { $0.filename == nil })
        #expect(field.value == "text é")
        #expect(answer.bytes == Self.contents.reduce(0) { $0 + $1.count } + "text é".utf8.count)
    }

    @Test(
        "curl uploads a form with files and a field", .enabled(if: Subprocess.find("curl") != nil, "there is no curl"),
        arguments: [[], ["-H", "Expect:"], ["-H", "Expect: 100-continue"], ["-H", "Transfer-Encoding: chunked"]]
    )
    func curl(options: [String]) async throws {
        let source = try TemporaryDirectory()
        let names = ["empty", "Ünï \"quoted\" 😀.txt", "x.bin"]
        for (name, content) in zip(names, Self.contents) { try source.write(content, to: name) }
        try await RunningServer.with { server in
            let files = names.flatMap { name in
                ["-F", "f=@\"\(source.path(name.replacingOccurrences(of: "\"", with: "\\\"")))\""]
            }
            let result = try await Subprocess.run(
                "curl",
                ["-sS", "-w", "%{stderr}%{http_code}", "-H", "Want-Repr-Digest: sha-256=10"] + options + files
                    + ["-F", "c=text é", server.url]
            )
            #expect(result.errorOutput == "201", "\(result.output)")
            try check(try Answer(result.standardOutput), server, names: names)
        }
    }

    @Test(
        "Python's requests and httpx upload a form",
        .enabled("no Python with requests and httpx: the reason is printed") {
            await PythonEnvironment.shared.isAvailable(with: packages)
        },
        arguments: packages
    )
    func python(library: String) async throws {
        let python = try await PythonEnvironment.shared.interpreter(with: Self.packages)
        let source = try TemporaryDirectory()
        for (index, content) in Self.contents.enumerated() { try source.write(content, to: "\(index)") }
        let script = """
            import sys, \(library) as client
            folder, url, names = sys.argv[1], sys.argv[2], sys.argv[3:]
            files = [("f", (name, open(f"{folder}/{i}", "rb"), "text/plain")) for i, name in enumerate(names)]
            answer = client.post(url, files=files, data={"c": "text é"}, headers={"Want-Repr-Digest": "sha-256=10"},
                timeout=60)
            assert answer.status_code == 201, answer.text
            sys.stdout.write(answer.text)
            """
        let names = ["empty", "Ünï \"quoted\".txt", "x.bin"]
        try await RunningServer.with { server in
            let result = try await Subprocess.run(python, ["-c", script, source.path, server.url] + names)
            #expect(result.status == 0, "\(result.errorOutput)")
            let answer = try Answer(result.standardOutput)
            // requests writes non-ASCII names as filename*, which RFC 7578 §4.2 forbids.
            try check(answer, server, names: names)
        }
    }

    @Test(
        "Python's zlib encodes uploads and decodes downloads",
        .enabled(if: Subprocess.find("python3") != nil, "there is no python3"))
    func zlib() async throws {
        let source = try TemporaryDirectory()
        for (name, bytes) in Samples.all { try source.write(bytes, to: name) }
        let script = """
            import gzip, http.client, itertools, json, sys, zlib
            numbers = itertools.count()
            folder, port, names = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
            server = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            def request(method, path, body=None, fields={}, chunked=False):
                server.request(method, path, iter([body[:7], body[7:]]) if chunked else body, fields, encode_chunked=chunked)
                answer = server.getresponse()
                return answer, answer.read()
            def flushed(data, format):
                encoder = zlib.compressobj(1, zlib.DEFLATED, format)
                half = len(data) // 2
                return encoder.compress(data[:half]) + encoder.flush(zlib.Z_SYNC_FLUSH) + encoder.compress(data[half:]) \\
                    + encoder.flush(zlib.Z_FULL_FLUSH) + encoder.flush()
            def raw(data):
                encoder = zlib.compressobj(9, zlib.DEFLATED, -15)
                return encoder.compress(data) + encoder.flush()
            ways = [("gzip", gzip.compress), ("x-gzip", lambda data: flushed(data, 31)), ("deflate", zlib.compress),
                ("deflate", raw), ("gzip", lambda data: gzip.compress(data[:100]) + gzip.compress(data[100:])),
                ("deflate", lambda data: flushed(data, 15)), ("identity", lambda data: data)]
            for name in names:
                data = open(f"{folder}/{name}", "rb").read()
                for chunked in [False, True]:
                    for coding, encode in ways:
                        body = encode(data)
                        answer, text = request("PUT", f"/{name}-{next(numbers)}", body, {"Content-Encoding": coding}, chunked)
                        assert answer.status == 201, (name, coding, text)
                        assert json.loads(text)["bytes"] == len(data)
                        location = answer.headers["Location"]
                        answer, content = request("GET", location)
                        assert content == data, (name, coding)
                for coding, format in [("gzip", 31), ("x-gzip", 31), ("deflate", 15)]:
                    answer, content = request("GET", location, fields={"Accept-Encoding": coding})
                    sent = answer.headers.get("Content-Encoding")
                    assert (sent or "small") == (coding.removeprefix("x-") if len(data) >= 1024 else "small")
                    if sent:
                        decoder = zlib.decompressobj(format)
                        content = decoder.decompress(content)
                        assert decoder.eof and not decoder.unused_data
                    assert content == data, (name, coding)
            """
        try await RunningServer.with { server in
            let result = try await Subprocess.run(
                "python3", ["-c", script, source.path, "\(server.port)"] + Samples.all.map(\.name),
                deadline: .seconds(150))
            #expect(result.status == 0, "\(result.errorOutput)")
            #expect(try server.directory.contents().count == Samples.all.count * 14)
        }
    }
}
