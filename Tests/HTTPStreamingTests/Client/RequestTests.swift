import ContentCoding
import Foundation
import Multipart
import Platform
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Request", .timeLimit(.minutes(2)))
struct RequestTests {
    private let recorder = Recorder()
    private let server: FaultServer
    private let directory: TemporaryDirectory
    private let client: Client

    private var urlWithUser: String { server.url.replacing("://", with: "://u:p@") }

    init() throws {
        server = try FaultServer(recorder.serve)
        directory = try TemporaryDirectory()
        client = try Client()
    }

    @Test("Each kind of content is the body as it is, with its length where that is known")
    func contents() async throws {
        let bytes = bottles(300_000)
        let path = try directory.write(bytes, to: "a.txt")
        let file = try Descriptor { open(path, O_RDONLY) }
        let piped = Array(bytes.prefix(50_000))
        let pipe = try OpenPipe(holding: piped)
        let empty = try directory.write([], to: "empty.txt")
        let rows: [(content: Content, body: [UInt8], length: Int?, type: String)] = [
            (.file(path), bytes, 300_000, "text/plain"),
            (.file(path, range: 7..<1000), Array(bytes[7..<1000]), 993, "text/plain"),
            (.file(empty), [], 0, "text/plain"),
            (.stream(length: 0) { AsyncStream<[UInt8]>(of: []) }, [], 0, "application/octet-stream"),
            (.bytes(bytes), bytes, 300_000, "application/octet-stream"),
            (.bytes([]), [], 0, "application/octet-stream"),
            (.text("ü"), Array("ü".utf8), 2, "text/plain; charset=utf-8"),
            (.descriptor(file.raw), bytes, 300_000, "application/octet-stream"),
            (.descriptor(pipe.reader, length: 10), Array(piped.prefix(10)), 10, "application/octet-stream"),
            (.descriptor(pipe.reader), Array(piped.dropFirst(10)), nil, "application/octet-stream"),
            (.stream(AsyncStream(of: [bytes])), bytes, nil, "application/octet-stream"),
            (.stream(length: 300_000) { AsyncStream(of: [bytes]) }, bytes, 300_000, "application/octet-stream"),
        ]
        for (number, row) in rows.enumerated() {
            for method in [Client.Method.put, .post] where row.content.isRepeatable || method == .put {
                let count = recorder.count
                let response = try await client.send(Request(method, server.url + "x", content: row.content))
                #expect(response.status == 201, "row \(number)")
                #expect(response.bytesSent == row.body.count || row.length == nil)
                let request = recorder.request(count)
                #expect(request.head.line == "\(method) /x HTTP/1.1")
                #expect(request.body == row.body, "row \(number)")
                #expect(request.head["content-type"] == row.type, "row \(number)")
                #expect(request.head["content-length"].flatMap { Int($0) } == row.length, "row \(number)")
                #expect(request.head["transfer-encoding"] == (row.length == nil ? "chunked" : nil))
            }
        }
        #expect(server.accepted == 1)
        #expect(server.errors == [])
    }

    @Test("Multipart content is what send(parts) sends, also within gzip and within a part")
    func multipart() async throws {
        let bytes = bottles(100_000)
        let path = try directory.write(bytes, to: "a.txt")
        let parts: [Part] = [.file(path), .field("b", "ü")]
        _ = try await client.send(Request(.post, server.url, content: .multipart(parts)))
        _ = try await client.send(Request(.post, server.url, content: .multipart(parts)))
        let (first, second) = (recorder.request(0), recorder.request(1))
        #expect(try receivedParts(of: first).map(\.content) == [bytes, Array("ü".utf8)])
        #expect(first.head["content-length"] == "\(first.body.count)")
        // A boundary that was seen once must not be used again.
        #expect(first.head["content-type"] != second.head["content-type"])
        _ = try await client.send(Request(.put, server.url, content: .multipart(parts).gzipped(level: 1)))
        let packed = recorder.request(2)
        #expect(packed.head["content-type"] == "application/gzip")
        #expect(
            String(decoding: try Coding.gzip.decode(packed.body), as: UTF8.self).contains("name=\"b\"\r\n\r\nü\r\n"))
        let inner = Part("inner", .multipart([.field("deep", "x")]))
        _ = try await client.send(Request(.post, server.url, content: .multipart([inner])))
        let outer = try #require(try receivedParts(of: recorder.request(3)).first)
        let boundary = try Boundary(contentType: outer.contentType ?? "")
        #expect(String(decoding: outer.content, as: UTF8.self).hasPrefix("--\(boundary)\r\n"))
    }

    @Test("gzipped content is compressed once, under the name with .gz") func gzipped() async throws {
        let bytes = bottles(400_000)
        let path = try directory.write(bytes, to: "log.txt")
        let client = try Client(.post, server.url)
        let content = Content.file(path).gzipped().gzipped(level: 1)
        _ = try await client.send(Request(.put, server.url, content: content))
        #expect(try Coding.gzip.decode(recorder.request(0).body) == bytes)
        #expect(recorder.request(0).head["content-type"] == "application/gzip")
        #expect(recorder.request(0).head["content-encoding"] == nil)
        _ = try await client.send(Part("log", content))
        let part = try #require(try receivedParts(of: recorder.request(1)).first)
        #expect(part.head == PartHead(name: "log", filename: "log.txt.gz", contentType: "application/gzip"))
        #expect(try Coding.gzip.decode(part.content) == bytes)
        await expectError(.invalidPart) {
            try await client.send(Request(.put, server.url, content: .text("x").gzipped(level: 10)))
        }
    }

    @Test("A content coding of the client applies to content of every kind") func coded() async throws {
        let bytes = bottles(700_000)
        let path = try directory.write(bytes, to: "a.txt")
        let client = try Client { $0.contentCoding = .gzip(level: 1) }
        _ = try await client.send(Request(.put, server.url, content: .file(path)))
        _ = try await client.send(Request(.put, server.url, content: .text("short")))
        _ = try await client.send(Request(.get, server.url))
        #expect(recorder.request(0).head["content-encoding"] == "gzip")
        #expect(recorder.request(0).head["content-type"] == "text/plain")
        #expect(try Coding.gzip.decode(recorder.request(0).body) == bytes)
        #expect(try Coding.gzip.decode(recorder.request(1).body) == Array("short".utf8))
        #expect(recorder.request(2).head["content-encoding"] == nil)
        await expectError(.invalidConfiguration) {
            try await client.send(
                Request(.put, server.url, headerFields: ["Content-Encoding": "br"], content: .file(path)))
        }
    }

    @Test("A request without content has no body, but for POST, PUT and PATCH an empty one")
    func withoutContent() async throws {
        for (number, method) in [Client.Method.get, .delete, .put, .post, .patch].enumerated() {
            _ = try await client.send(Request(method, server.url))
            let head = recorder.request(number).head
            #expect(head["content-length"] == (number < 2 ? nil : "0"))
            #expect(head["content-type"] == nil && head["transfer-encoding"] == nil && head["expect"] == nil)
        }
        for configure in [
            { $0.maximumUploadBytesPerSecond = 1 << 20 }, { $0.expect = .always }, { $0.contentCoding = .gzip() },
            { $0.authentication = .digest(user: "a", password: "b") },
        ] as [(inout Client.Configuration) -> Void] {
            #expect(try await Client(configure).send(Request(.put, server.url)).status == 201)
            #expect(recorder.last?.head["content-length"] == "0" && recorder.last?.head["content-encoding"] == nil)
        }
        let response = try await client.send(Request(.head, server.url))
        #expect(try await response.bytes() == [])
        await expectError(.invalidConfiguration) {
            try await client.send(Request(.head, server.url, content: .text("x")))
        }
    }

    @Test("Header fields of a request replace those of the client by name") func headerFields() async throws {
        let client = try Client { $0.headerFields = ["X-A": "1", "X-B": "2", "User-Agent": "mine"] }
        var request = Request(
            .put, server.url, headerFields: ["x-a": "3", "Content-Type": "image/x", "Content-Encoding": "br"],
            content: .bytes([1]))
        _ = try await client.send(request)
        let head = recorder.request(0).head
        #expect(head["x-a"] == "3" && head["x-b"] == "2" && head["user-agent"] == "mine")
        #expect(head["content-type"] == "image/x" && head["content-encoding"] == "br")
        request.headerFields["X-A"] = nil
        request.headerFields["x-b"] = "4"
        _ = try await client.send(request)
        #expect(recorder.request(1).head["x-a"] == "1" && recorder.request(1).head["x-b"] == "4")
        for fields in [
            ["Content-Length": "1"], ["Transfer-Encoding": "chunked"], ["Expect": "x"], ["a b": "c"],
            ["a": "b\r\nc: d"],
        ] as [HeaderFields] {
            await expectError(.invalidConfiguration) {
                try await client.send(Request(.put, server.url, headerFields: fields, content: .text("x")))
            }
        }
        await expectError(.invalidConfiguration) {
            try await client.send(
                Request(.post, server.url, headerFields: ["Content-Type": "x/y"], content: .multipart([])))
        }
        #expect(recorder.count == 2)
    }

    @Test("A renewed token goes with the next request on the same connection") func authentication() async throws {
        let client = try Client(.post, server.url) { $0.authentication = .bearer("old") }
        _ = try await client.send(.field("a", "b"))
        var request = Request(.put, server.url + "x", content: .text("x"))
        _ = try await client.send(request)
        request.authentication = .bearer("new")
        _ = try await client.send(request)
        request.authentication = Client.Authentication.none
        _ = try await client.send(request)
        _ = try await client.send(Request(.put, urlWithUser, content: .text("x")))
        let sent = recorder.requests.map { $0.head["authorization"] }
        #expect(sent == ["Bearer old", "Bearer old", "Bearer new", nil, "Basic dTpw"])
        #expect(server.accepted == 1)
        request.headerFields["Authorization"] = "x"
        request.authentication = .bearer("new")
        await expectError(.invalidConfiguration) { try await client.send(request) }
        request.url = urlWithUser
        request.headerFields["Authorization"] = nil
        let error = await expectError(.invalidConfiguration) { try await client.send(request) }
        #expect(error?.message == "credentials are given both as authentication and in the URL")
    }

    @Test("What the configuration has for a server goes to the origin of the client's URL only")
    func otherOrigin() async throws {
        let other = Recorder()
        let otherServer = try FaultServer(other.serve)
        let configure: (inout Client.Configuration) -> Void = {
            $0.authentication = .bearer("secret")
            $0.headerFields = ["X-Key": "secret"]
        }
        let bound = try Client(.post, server.url, configure)
        _ = try await bound.send(Request(.put, otherServer.url, headerFields: ["X-Own": "1"], content: .text("x")))
        _ = try await bound.send(Request(.put, server.url + "deep", content: .text("x")))
        #expect(other.request(0).head["authorization"] == nil && other.request(0).head["x-key"] == nil)
        #expect(other.request(0).head["x-own"] == "1")
        #expect(
            recorder.request(0).head["authorization"] == "Bearer secret"
                && recorder.request(0).head["x-key"] == "secret")
        let free = try Client(configure)
        _ = try await free.send(Request(.put, otherServer.url, content: .text("x")))
        #expect(other.request(1).head["authorization"] == "Bearer secret" && other.request(1).head["x-key"] == "secret")
    }

    @Test("Time limits of a request take the place of the client's") func timeLimits() async throws {
        let gate = Gate()
        defer { gate.open() }
        let silent = try FaultServer { connection in
            _ = try connection.readRequest()
            gate.wait()
        }
        var request = Request(.put, silent.url, content: .text("x"))
        request.requestTimeout = .milliseconds(300)
        var error = await expectError(.timedOut, within: .seconds(60)) { try await client.send(request) }
        #expect(error?.message.contains("requestTimeout") == true)
        request.requestTimeout = nil
        request.stallTimeout = .milliseconds(300)
        error = await expectError(.timedOut, within: .seconds(60)) { try await client.send(request) }
        #expect(error?.message.contains("stallTimeout") == true)
        request.stallTimeout = .zero
        await expectError(.invalidConfiguration) { try await client.send(request) }
        // Codes match errors.
        do {
            request.stallTimeout = .milliseconds(300)
            _ = try await client.send(request)
            Issue.record("no error")
        } catch ClientError.Code.timedOut {
        } catch { Issue.record("\(error)") }
    }

    @Test("URLs and methods that cannot be sent are errors, and the client stays usable") func invalid() async throws {
        for url in ["", "x", "/path", "ftp://localhost/", "http://", "http://a b/"] {
            await expectError(.invalidURL) { try await client.send(Request(.get, url)) }
        }
        await expectError(.invalidConfiguration) { try await client.send(Request(Client.Method("A B"), server.url)) }
        await expectError(.sourceUnreadable) {
            try await client.send(Request(.put, server.url, content: .file("/no/such/file")))
        }
        await expectError(.invalidConfiguration) { try await client.send(.field("a", "b")) }
        await expectError(.invalidConfiguration) { try await client.sendUnclosed(.field("a", "b")) }
        await expectError(.invalidConfiguration) { _ = try await client.open() }
        #expect(try await client.send(Request(.get, server.url)).status == 201)
        #expect(server.accepted == 1)
    }

    @Test("While a form or a stream is open, another request is refused and changes nothing")
    func whileOpen() async throws {
        let client = try Client(.post, server.url)
        try await client.sendUnclosed(.field("a", "1"))
        await expectError(.requestOpen) { try await client.send(Request(.get, server.url)) }
        #expect(try await client.send(.field("b", "2")).status == 201)
        #expect(try receivedParts(of: recorder.request(0)).map(\.name) == ["a", "b"])
        let stream = try await client.open()
        await expectError(.requestOpen) { try await client.send(Request(.get, server.url)) }
        stream.finish()
        _ = try await stream.response
        #expect(try await client.send(Request(.get, server.url)).status == 201)
    }
}
