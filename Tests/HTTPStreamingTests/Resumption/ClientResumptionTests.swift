import ContentCoding
import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Uploads whose connections are cut, against a scripted server.
@Suite("Client, resumption", .serialized, .timeLimit(.minutes(3)))
struct ClientResumptionTests {
    /// How the same bytes are sent.
    enum Way: CaseIterable { case put, post, multipart, unclosed, gzip, gzippedUnclosed }

    private static let size = 3_000_000

    /// Cuts the first `count` requests with a body after random numbers of bytes.
    private func cutting(_ count: Int, _ version: String, case number: Int)
        -> @Sendable (RequestHead, Int) -> ResumableServer.Fault
    {
        var generator = SeededGenerator(case: number)
        let offsets = (0..<count).map { _ in Int.random(in: 0...400_000, using: &generator) }
        let done = Shared(0)
        return { head, _ in
            guard head["upload-complete"] != nil, head["upload-draft-interop-version"] == version,
                done.value < offsets.count
            else { return .none }
            defer { done.update { $0 += 1 } }
            return .cut(after: offsets[done.value])
        }
    }

    private func send(_ way: Way, _ client: Client, _ url: String, _ path: String) async throws -> Response {
        switch way {
        case .put, .gzip: return try await client.send(Request(.put, url, content: .file(path)))
        case .post: return try await client.send(Request(.post, url, content: .file(path)))
        case .multipart: return try await client.send(.field("a", "b"), .file(path), .field("c", "d"))
        case .unclosed, .gzippedUnclosed:
            try await client.sendUnclosed(.field("a", "b"))
            try await client.sendUnclosed(.file(path))
            try await client.sendUnclosed(.field("c", "d"))
            return try await client.close()
        }
    }

    @Test("the body arrives byte for byte, cut at random offsets", arguments: Way.allCases, [8, 6])
    func cuts(way: Way, version: Int) async throws {
        let isCoded = way == .gzip || way == .gzippedUnclosed
        let directory = try TemporaryDirectory()
        let number = version * 100 + Way.allCases.firstIndex(of: way)!
        var generator = SeededGenerator(case: number)
        // Hardly compressible, so that the coded body is long too.
        let content = generator.manyBytes(Self.size)
        let path = try directory.write(content, to: "f")
        var options = ResumableServer.Options()
        options.version = version
        options.acknowledging = version == 8 ? 100_000 : nil
        let server = ResumableServer(options, fault: cutting(6, "\(version)", case: number))
        let (listener, client) = try resuming(server) { if isCoded { $0.contentCoding = .gzip(workers: 3) } }
        let response = try await send(way, client, listener.url, path)
        #expect(response.status == 201, "seed \(SeededGenerator.seed)")
        let upload = try #require(server.stored.last)
        let body = isCoded ? try Coding.gzip.decode(upload.body) : upload.body
        switch way {
        case .put, .post, .gzip:
            #expect(firstDifference(body, content) == nil, "seed \(SeededGenerator.seed)")
            #expect(upload.requests == 7 && response.metrics.resumptions == 6)
        case .multipart, .unclosed, .gzippedUnclosed:
            let creation = try #require(server.heads.value.last { $0["content-type"]?.hasPrefix("multipart/") == true })
            let parts = try receivedParts(of: (creation, upload.body, 0))
            #expect(
                parts.map(\.content) == [Array("b".utf8), content, Array("d".utf8)], "seed \(SeededGenerator.seed)")
        }
        #expect(response.bytesSent == upload.body.count)
        #expect(response.metrics.bytesSentAgain >= 0)
        #expect(listener.errors.isEmpty, "\(listener.errors)")
    }

    @Test("the requests have the fields of the draft, and credentials, but no fields of other content")
    func fields() async throws {
        let server = ResumableServer { _, number in number == 1 ? .cut(after: 5000) : .none }
        let (listener, client) = try resuming(server, .put) { configuration in
            configuration.authentication = .bearer("token")
            configuration.headerFields = ["X-Tenant": "7"]
        }
        let content = [UInt8](repeating: 1, count: 400_000)
        var request = Request(.put, listener.url + "a/b", content: .bytes(content))
        request.headerFields = ["If-None-Match": "*", "Content-Language": "de", "Content-Type": "text/plain"]
        let response = try await client.send(request)
        #expect(response.status == 201 && server.stored.map(\.body) == [content])
        #expect(server.methods == ["PUT", "HEAD", "PATCH"])
        let heads = server.heads.value
        for head in heads {
            #expect(head["upload-draft-interop-version"] == "8" && head["authorization"] == "Bearer token")
            #expect(head["x-tenant"] == "7")
        }
        #expect(heads[0]["upload-complete"] == "?1" && heads[0]["upload-length"] == "400000")
        #expect(heads[0]["content-type"] == "text/plain" && heads[0]["if-none-match"] == "*")
        #expect(heads[1]["upload-complete"] == nil && heads[1]["content-type"] == nil)
        #expect(heads[1]["if-none-match"] == nil && heads[2]["if-none-match"] == nil)
        #expect(heads[2]["content-language"] == nil && heads[2]["content-length"] == "395000")
        #expect(heads[2]["upload-complete"] == "?1" && heads[2]["upload-offset"] == "5000")
        #expect(response.metrics.resumptions == 1 && response.metrics.bytesSentAgain <= 395_000)
    }

    @Test("a server that knows nothing of it gets one ordinary request, which is retried as ever")
    func unknown() async throws {
        var options = ResumableServer.Options()
        options.isResumable = false
        let server = ResumableServer(options)
        let (listener, client) = try resuming(server)
        let content = [UInt8](repeating: 1, count: 400_000)
        let response = try await client.send(Request(.post, listener.url, content: .bytes(content)))
        #expect(try await response.summary() == "201 plain" && server.methods == ["POST"])
        #expect(server.plain.value == [content] && response.metrics.resumptions == 0)

        let failing = ResumableServer(options) { _, number in number < 3 ? .refuse(503) : .none }
        let (other, retrying) = try resuming(failing) { $0.retry.delay = .milliseconds(1) }
        let stored = try await retrying.send(Request(.put, other.url, content: .bytes(content)))
        #expect(stored.status == 201 && failing.methods == ["PUT", "PUT", "PUT"])
        let refused = ResumableServer(options) { _, _ in .refuse(503) }
        let (third, posting) = try resuming(refused)
        #expect(try await posting.send(Request(.post, third.url, content: .bytes(content))).status == 503)
        #expect(refused.methods == ["POST"])
    }

    @Test("an upload that begins without its content fails at a server that takes that for the upload")
    func unknownCreation() async throws {
        var options = ResumableServer.Options()
        options.isResumable = false
        let server = ResumableServer(options)
        let (listener, client) = try resuming(server) {
            $0.resumption = .automatic(creation: .withoutContent, retry: quickResumption().retry)
        }
        await expectError(.resumptionFailed) {
            try await client.send(Request(.post, listener.url, content: .bytes([1, 2, 3])))
        }
        #expect(server.methods == ["POST"] && server.plain.value == [[]])
        let fields = server.heads.value.first?.fields
        #expect(fields?.first { $0.name == "upload-complete" }?.value == "?0")
        #expect(fields?.first { $0.name == "upload-length" }?.value == "3")
        #expect(fields?.first { $0.name == "content-type" }?.value == "application/octet-stream")
    }

    @Test("without the setting, no field of the draft is sent") func off() async throws {
        let server = ResumableServer()
        let (listener, client) = try resuming(server) { $0.resumption = .never }
        _ = try await client.send(Request(.put, listener.url, content: .bytes([1])))
        #expect(server.heads.value.first?.fields.contains { $0.name.hasPrefix("upload") } == false)
        #expect(server.methods == ["PUT"])
    }

    @Test("a lost response is fetched by a PATCH of zero bytes") func lostAnswer() async throws {
        let server = ResumableServer { _, number in number == 1 ? .loseAnswer : .none }
        let (listener, client) = try resuming(server)
        let content = [UInt8](repeating: 1, count: 300_000)
        let response = try await client.send(Request(.post, listener.url, content: .bytes(content)))
        #expect(try await response.summary() == "201 300000")
        #expect(server.methods == ["POST", "HEAD", "PATCH"])
        #expect(server.heads.value[2]["content-length"] == "0" && server.heads.value[2]["upload-offset"] == "300000")
        #expect(response.metrics.bytesSentAgain == 0 && response.bytesSent == 300_000)

        // The same of unknown length.
        let coded = ResumableServer { _, number in number == 1 ? .loseAnswer : .none }
        let (other, encoding) = try resuming(coded) { $0.contentCoding = .gzip() }
        #expect(try await encoding.send(Request(.post, other.url, content: .bytes(content))).status == 201)
        #expect(try Coding.gzip.decode(coded.stored[0].body) == content)

        let stubborn = ResumableServer { head, number in
            number == 1 ? .loseAnswer : head.line.hasPrefix("PATCH") ? .refuse(410) : .none
        }
        let (third, failing) = try resuming(stubborn)
        let error = await expectError(.resumptionFailed) {
            try await failing.send(Request(.post, third.url, content: .bytes(content)))
        }
        #expect(error?.message.contains("its response was lost") == true && error?.bytesSent == 300_000)
    }

    @Test("5xx after a 104, failing questions and 409 are overcome; 5xx with Upload-Complete is the response")
    func statuses() async throws {
        let content = [UInt8](repeating: 1, count: 300_000)
        let server = ResumableServer { _, number in
            switch number {
            case 1: .cut(after: 1000)
            case 2: .answer(503, fields: "Retry-After: 0\r\n")
            case 3: .cut(after: 0)
            case 4: .lie(offset: 500)
            case 5: .none  // 409
            default: .none
            }
        }
        let (listener, client) = try resuming(server)
        #expect(try await client.send(Request(.post, listener.url, content: .bytes(content))).status == 201)
        #expect(server.methods == ["POST", "HEAD", "HEAD", "HEAD", "PATCH", "PATCH"])
        #expect(server.stored.map(\.body) == [content])

        let failing = ResumableServer { _, number in
            number == 1 ? .answer(500, fields: "Upload-Complete: ?1\r\n") : .none
        }
        let (other, asking) = try resuming(failing)
        let response = try await asking.send(Request(.post, other.url, content: .bytes(content)))
        #expect(try await response.summary() == "500 as asked" && failing.methods == ["POST"])

        let refusing = ResumableServer { _, number in
            number == 1 ? .cut(after: 1000) : number == 3 ? .refuse(403) : .none
        }
        let (third, refused) = try resuming(refusing)
        #expect(try await refused.send(Request(.post, third.url, content: .bytes(content))).status == 403)
        #expect(refusing.methods == ["POST", "HEAD", "PATCH"])
    }

    @Test("attempts without progress end with the error of the last one") func noProgress() async throws {
        let server = ResumableServer { head, number in
            number == 1 ? .cut(after: 1000) : head.line.hasPrefix("PATCH") ? .cut(after: 0) : .none
        }
        let (listener, client) = try resuming(server) { $0.resumption = quickResumption(attempts: 4) }
        let error = await expectError(.connectionLost, within: .seconds(20)) {
            try await client.send(Request(.post, listener.url, content: .bytes([UInt8](repeating: 1, count: 300_000))))
        }
        #expect(error?.message.contains("no more attempts") == true)
        // Twice, where a kept connection is dead before a byte of the body is sent.
        #expect((4...8).contains(server.methods.count { $0 == "PATCH" }))
    }

    @Test("an offset ahead of what was sent is an error, and the upload is deleted") func ahead() async throws {
        let server = ResumableServer { _, number in
            number == 1 ? .cut(after: 1000) : number == 2 ? .lie(offset: 299_999) : .none
        }
        let (listener, client) = try resuming(server) { $0.maximumUploadBytesPerSecond = 200_000 }
        let error = await expectError(.resumptionFailed) {
            try await client.send(Request(.post, listener.url, content: .bytes([UInt8](repeating: 1, count: 300_000))))
        }
        #expect(error?.message.contains("claims to have 299999 bytes") == true, "\(error?.message ?? "")")
        #expect(try await eventually { server.methods == ["POST", "HEAD", "DELETE"] && server.stored.isEmpty })
    }

    @Test("a location on another origin is ignored") func otherOrigin() async throws {
        let other = try FaultServer { _ in }
        var options = ResumableServer.Options()
        let url = other.url
        options.location = { url + $0 }
        let server = ResumableServer(options) { _, number in number == 1 ? .cut(after: 1000) : .none }
        let (listener, client) = try resuming(server)
        await expectError(.connectionLost) {
            try await client.send(Request(.post, listener.url, content: .bytes([UInt8](repeating: 1, count: 300_000))))
        }
        #expect(server.methods == ["POST"] && other.accepted == 0)
    }
}
