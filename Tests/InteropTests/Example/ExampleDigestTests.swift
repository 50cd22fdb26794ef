import Foundation
import HTTPStreaming
import TestSupport
import Testing

/// `example -digest` and `example -verify`.
@Suite("The example program, digests", .timeLimit(.minutes(3)))
struct ExampleDigestTests {
    private let source: TemporaryDirectory

    init() throws { source = try TemporaryDirectory() }

    private func example(_ arguments: [String], host: String, input: Data = Data()) async throws -> Subprocess.Result {
        try await Subprocess.run(
            Subprocess.product("example"), arguments, input: input, environment: ["UPLOAD_HOST": host],
            deadline: .seconds(60))
    }

    @Test(
        "sends a digest, which the server verifies, and compares the server's with its own",
        arguments: [["-digest", "sha-256"], ["-digest", "sha-512"], []], [[], ["-gzip"]])
    func verified(digest: [String], coding: [String]) async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let path = try source.write(bottles(700_000), to: "a \"sha256\":\"b\"")
        for paths in [[path], [path, "-", path]] {
            let result = try await example(
                digest + coding + ["-verify"] + paths.flatMap { ["-filepath", $0] }, host: server.url,
                input: Data("input".utf8))
            #expect(result.status == 0, "\(result.errorOutput)")
            #expect(result.output.hasSuffix("verified: the digests of the stored files are those of the files sent\n"))
            let verified = digest.last.map { "\"verified_digests\":[\"\($0)\"]" }
            #expect(verified == nil || result.output.contains(verified ?? ""), "\(result.output)")
        }
    }

    @Test("a server that has stored other bytes, or reports nothing, is an error") func different() async throws {
        let path = try source.write("hello".utf8, to: "a")
        // Of "abc".
        let other = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        for (answer, text) in [
            ("{\"parts\":[{\"sha256\":\"\(other)\"}]}", "file 1 is not stored as it was sent"),
            ("stored", "did not report"),
            ("{\"name\":\"\\\"sha256\\\":\\\"x\"}", "did not report"),
        ] {
            let server = try FaultServer { connection in
                while try connection.readRequest() != nil { try connection.respond(201, answer) }
            }
            defer { server.stop() }
            let result = try await example(["-verify", "-filepath", path], host: server.url)
            #expect(result.status == 1 && result.errorOutput.contains(text), "\(result.errorOutput)")
        }
        for arguments in [["-digest", "md5", "-filepath", path], ["-verify", "-echo"]] {
            #expect(try await example(arguments, host: "http://127.0.0.1:1").status == 2)
        }
    }

    @Test("the client's digests of body and parts are verified, also over TLS to a server that speaks HTTP/2")
    func client() async throws {
        let path = try source.write(bottles(500_000), to: "own.txt")
        for isSecure in [false, true] {
            let server = try await ServerProcess.start(isSecure: isSecure)
            defer { server.process.terminate() }
            var configuration = Client.Configuration()
            if isSecure { configuration.tls.caFile = try await Certificates.shared.authority }
            configuration.httpVersion = isSecure ? .http2 : .automatic
            for coding in [Client.ContentCoding.identity, .gzip()] {
                configuration.contentCoding = coding
                for placement in [Client.Digest.Placement.trailer, .field] {
                    configuration.digest = .init(.sha512, placement)
                    let client = try Client(.post, server.url, configuration: configuration)
                    let part = try await Part.file(path).withDigest()
                    let answer = try await client.send(part, .field("a", "b")).text()
                    #expect(answer.contains(#""verified_digests":["sha-256"]"#), "\(answer)")
                    #expect(answer.contains(#""verified_digests":["sha-512"]"#), "\(answer)")
                    var wrong = part
                    wrong.content = .text("other")
                    let refused = try await client.send(wrong)
                    #expect(refused.status == 400)
                    #expect(try await refused.text().contains("part 1 does not match its Repr-Digest"))
                }
            }
            #expect(try server.directory.contents().count == 4)
        }
    }

    @Test("curl sends digests as fields, and a raw client as a trailer") func peers() async throws {
        let server = try await ServerProcess.start()
        defer { server.process.terminate() }
        let path = try source.write(bottles(3_000_000), to: "peer.txt")
        let script = #"""
            set -e
            digest=$(openssl dgst -sha256 -binary "$1" | base64)
            gzip -c "$1" > "$1.gz"
            coded=$(openssl dgst -sha512 -binary "$1.gz" | base64 -w0)
            curl -sS -T "$1" -H "Repr-Digest: sha-256=:$digest:" "$2/plain"
            curl -sS -T "$1.gz" -H "Content-Encoding: gzip" -H "Content-Digest: sha-512=:$coded:" "$2/coded"
            curl -sS -F "file=@$1;headers=\"Content-Digest: sha-256=:$digest:\"" "$2"
            curl -sS -w ' %{http_code}' -T "$1.gz" -H "Content-Encoding: gzip" -H "Repr-Digest: sha-256=:$digest:" "$2/wrong"
            """#
        let result = try await Subprocess.run("bash", ["-c", script, "bash", path, server.url])
        let lines = result.output.split(separator: "\n")
        #expect(lines.count == 5, "\(result.output)\(result.errorOutput)")
        #expect(lines.prefix(3).allSatisfy { $0.contains("\"verified_digests\":[\"sha-") }, "\(result.output)")
        #expect(lines.dropFirst(3).first?.contains("does not match its Repr-Digest") == true && lines.last == " 400")
        let raw = """
            import base64, hashlib, http.client, sys
            body = open(sys.argv[1], "rb").read()
            for sent, status in [(body, 201), (body[:-1], 400)]:
                digest = base64.b64encode(hashlib.sha512(sent).digest()).decode()
                connection = http.client.HTTPConnection("localhost", int(sys.argv[2]))
                connection.putrequest("PUT", "/python")
                connection.putheader("Transfer-Encoding", "chunked")
                connection.putheader("Trailer", "Repr-Digest")
                connection.endheaders()
                for start in range(0, len(body), 100000):
                    chunk = body[start:start + 100000]
                    connection.send(b"%x\\r\\n%s\\r\\n" % (len(chunk), chunk))
                connection.send(f"0\\r\\nRepr-Digest: sha-512=:{digest}:\\r\\n\\r\\n".encode())
                response = connection.getresponse()
                assert response.status == status, (response.status, response.read())
                print(b"verified_digests" in response.read())
            """
        if Subprocess.find("python3") != nil {
            let python = try await Subprocess.run("python3", ["-c", raw, path, "\(server.port)"])
            #expect(python.output == "True\nFalse\n", "\(python.errorOutput)")
        }
        #expect(try server.directory.contents().sorted() == ["coded", "peer.txt", "plain", "python"])
    }
}
