import ContentCoding
import Foundation
import Platform
import TestSupport
import Testing

@testable import HTTPStreaming

/// Digests that the client computes and sends (RFC 9530).
@Suite("Client, digests", .serialized, .timeLimit(.minutes(2)))
struct ClientDigestTests {
    private static let content = bottles(300_000)

    /// The field of a digest of these bytes.
    private static func field(_ algorithm: DigestAlgorithm, _ bytes: [UInt8]) -> String {
        var digest = MessageDigest(algorithm)
        bytes.withUnsafeBytes { digest.update($0) }
        return algorithm.fieldValue(digest.finish())
    }

    private struct Received {
        let head: RequestHead
        let body: [UInt8]
        let trailer: [String]
    }

    /// A server that keeps requests with their trailers, and a client of it.
    private func recording(
        _ change: (inout Client.Configuration) -> Void
    ) throws -> (received: Shared<[Received]>, client: Client) {
        let received = Shared<[Received]>([])
        let server = try FaultServer { connection in
            while let (head, body) = try connection.readRequest() {
                received.append(Received(head: head, body: body, trailer: connection.trailer))
                try connection.respond(201, "\(body.count)")
            }
        }
        return (received, try Client(.put, server.url, change))
    }

    private func expectTrailer(
        _ request: Received?, _ algorithm: DigestAlgorithm = .sha256, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let request = try #require(request, sourceLocation: sourceLocation)
        #expect(request.head["transfer-encoding"] == "chunked", sourceLocation: sourceLocation)
        #expect(request.head["trailer"] == "Repr-Digest", sourceLocation: sourceLocation)
        #expect(request.head["repr-digest"] == nil, sourceLocation: sourceLocation)
        #expect(
            request.trailer == ["Repr-Digest: \(Self.field(algorithm, request.body))"], sourceLocation: sourceLocation)
    }

    @Test("a digest follows each body as a trailer, whatever the body is made of", arguments: DigestAlgorithm.allCases)
    func trailer(algorithm: DigestAlgorithm) async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(Self.content, to: "f")
        for coding in [Client.ContentCoding.identity, .gzip()] {
            let (received, client) = try recording {
                $0.digest = .init(algorithm)
                $0.contentCoding = coding
            }
            let contents: [Content] = [
                .file(file), .bytes([]), .bytes([1]), .text("short"), .bytes(Self.content), .file(file).gzipped(),
                .stream(AsyncStream(of: [Self.content[..<100_000], Self.content[100_000...]])),
                .multipart([.file(file), .field("a", "b")]),
            ]
            for content in contents {
                #expect(try await client.send(Request(.put, client.url, content: content)).status == 201)
                try expectTrailer(received.value.last, algorithm)
            }
            #expect(try await client.send(.file(file), .field("a", "b")).status == 201)
            try expectTrailer(received.value.last, algorithm)
            for _ in 0..<3 { #expect(try await client.sendUnclosed(.file(file))) }
            #expect(try await client.close().status == 201)
            try expectTrailer(received.value.last, algorithm)
            let stream = try await client.open()
            for _ in 0..<5 { #expect(try await stream.write(Self.content[..<100_000])) }
            stream.finish()
            #expect(try await stream.response.status == 201)
            try expectTrailer(received.value.last, algorithm)
            #expect(received.value.count == contents.count + 3)
            #expect(try await client.send(Request(.get, client.url)).status == 201)
            #expect(received.value.last?.head["trailer"] == nil)
        }
    }

    @Test("before the body the digest is a header field, and the length stays exact") func field() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(Self.content, to: "f")
        for coding in [Client.ContentCoding.identity, .gzip()] {
            let (received, client) = try recording {
                $0.digest = .init(.sha256, .field)
                $0.contentCoding = coding
            }
            for content in [Content.file(file), .bytes([]), .text("short"), .multipart([.file(file)])] {
                #expect(try await client.send(Request(.put, client.url, content: content)).status == 201)
                let request = try #require(received.value.last)
                #expect(request.head["repr-digest"] == Self.field(.sha256, request.body))
                #expect(request.head["trailer"] == nil && request.trailer == [])
                #expect((request.head["content-length"] == nil) == (coding != .identity))
            }
            #expect(try await client.send([.file(file), .field("a", "b")]).status == 201)
            let form = try #require(received.value.last)
            #expect(form.head["repr-digest"] == Self.field(.sha256, form.body))
            await expectError(.invalidConfiguration) { try await client.sendUnclosed(.file(file)) }
            await expectError(.invalidConfiguration) { _ = try await client.open() }
            let once = Content.stream(AsyncStream(of: [Self.content]))
            await expectError(.invalidConfiguration) { try await client.send(Request(.put, client.url, content: once)) }
            #expect(try await client.send(.file(file)).status == 201)
        }
        #expect(
            refusal {
                $0.digest = .sha256; $0.httpVersion = .http2PriorKnowledge
            }?.code == .invalidConfiguration)
    }

    @Test("the digest is that of the bytes sent last, on a dead kept connection, after a redirect and a retry")
    func again() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(Self.content, to: "f")
        for fault in ["reset", "reset late", "307", "503"] {
            let received = Shared<[Received]>([])
            let server = try FaultServer { connection in
                while let head = try connection.readHead() {
                    if received.value.count == 1, connection.number == 1 {
                        if fault == "reset" { return connection.reset() }
                        let body = try connection.readBody(of: head)
                        #expect(connection.trailer.count == 1 && body == Self.content)
                        if fault == "reset late" { return connection.reset() }
                        received.append(Received(head: head, body: body, trailer: connection.trailer))
                        try connection.respond(Int(fault) ?? 0, fields: "Location: /there\r\nRetry-After: 0\r\n")
                        continue
                    }
                    let body = try connection.readBody(of: head)
                    received.append(Received(head: head, body: body, trailer: connection.trailer))
                    try connection.respond(201)
                }
            }
            defer { server.stop() }
            let client = try Client(.put, server.url) {
                $0.digest = .sha256
                $0.expect = .never
            }
            for _ in 0..<2 {
                #expect(
                    try await client.send(Request(.put, server.url, content: .file(file))).status == 201, "\(fault)")
            }
            for request in received.value { try expectTrailer(request) }
            #expect(received.value.last?.body == Self.content)
        }
    }

    @Test("cookies and the connection are kept after a trailer") func cookies() async throws {
        let heads = Shared<[RequestHead]>([])
        let server = try FaultServer { connection in
            while let (head, _) = try connection.readRequest() {
                heads.append(head)
                try connection.respond(201, fields: "Set-Cookie: a=\(heads.value.count)\r\n")
            }
        }
        defer { server.stop() }
        let client = try Client(.post, server.url) {
            $0.digest = .sha256
            $0.cookies = .inMemory
        }
        for _ in 0..<3 { #expect(try await client.send(.field("a", "b")).status == 201) }
        #expect(heads.value.map { $0["cookie"] } == [nil, "a=1", "a=2"])
        #expect(server.accepted == 1)
        // Sent without a body, with the handle that follows.
        #expect(try await client.send(Request(.get, server.url)).status == 201)
        #expect(heads.value.last?["cookie"] == "a=3")
    }

    @Test("a server that demands a length gets the digest as a field", arguments: [411, 501]) func counted(status: Int)
        async throws
    {
        let directory = try TemporaryDirectory()
        let file = try directory.write(Self.content, to: "f")
        let received = Shared<[Received]>([])
        let server = try FaultServer { connection in
            while let (head, body) = try connection.readRequest() {
                guard head["content-length"] != nil else {
                    try connection.respond(status)
                    continue
                }
                received.append(Received(head: head, body: body, trailer: connection.trailer))
                try connection.respond(201)
            }
        }
        defer { server.stop() }
        let client = try Client(.put, server.url) { $0.digest = .sha512 }
        #expect(try await client.send(Request(.put, server.url, content: .file(file))).status == 201)
        let request = try #require(received.value.last)
        #expect(request.head["repr-digest"] == Self.field(.sha512, Self.content) && request.body == Self.content)
        #expect(request.head["trailer"] == nil)
    }

    @Test("a part may have the digest of its content in its header") func part() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(Self.content, to: "f")
        let (received, client) = try recording { _ in }
        let parts = [try await Part.file(file).withDigest(.sha512), try await Part.field("a", "b").withDigest()]
        #expect(try await client.send(parts).status == 201)
        let body = String(decoding: try #require(received.value.last).body, as: UTF8.self)
        #expect(body.contains("Repr-Digest: \(Self.field(.sha512, Self.content))\r\n"))
        #expect(body.contains("Repr-Digest: \(Self.field(.sha256, Array("b".utf8)))\r\n"))
        let once = Part("x", .stream(AsyncStream(of: [Self.content])))
        await expectError(.invalidPart) { _ = try await once.withDigest() }
        await expectError(.sourceUnreadable) { _ = try await Part.file(directory.path("missing")).withDigest() }
    }

    @Test("the digest of content is known when the request has been sent") func contentDigest() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write(Self.content, to: "f")
        let (received, client) = try recording { _ in }
        let expected = Self.field(.sha256, Self.content)
        let digest = ContentDigest()
        #expect(digest.bytes == nil)
        for content in [
            Content.file(file), .bytes(Self.content), .stream(AsyncStream(of: [Self.content])), .file(file).gzipped(),
        ] {
            let digest = ContentDigest()
            let content = content.digested(into: digest)
            #expect(try await client.send(Request(.put, client.url, content: content)).status == 201)
            let body = try #require(received.value.last).body
            #expect(digest.fieldValue == Self.field(.sha256, body))
            let inPart = ContentDigest(.sha512)
            if content.isRepeatable {
                #expect(try await client.send(Part("p", content.digested(into: inPart))).status == 201)
                #expect(inPart.fieldValue == Self.field(.sha512, body))
            }
        }
        #expect(received.value.first?.head["content-length"] == "\(Self.content.count)")
        #expect(try await client.send(.file(file), Part("e", .bytes([]).digested(into: digest))).status == 201)
        #expect(digest.fieldValue == Self.field(.sha256, []))
        #expect(digest.fieldValue != expected)
    }

    @Test("a source that has no data for a while is digested") func slow() async throws {
        let (received, client) = try recording { $0.digest = .sha256 }
        let pipe = try OpenPipe()
        async let response = client.send(Request(.put, client.url, content: .descriptor(pipe.reader)))
        pipe.write(Array(Self.content[..<1000]))
        try await Task.sleep(for: .milliseconds(200))
        pipe.finish()
        #expect(try await response.status == 201)
        try expectTrailer(received.value.last)
    }
}

extension Client {
    fileprivate var url: String { target?.url ?? "" }
}
