import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Resumption together with other features of the client, against a scripted server.
@Suite("Client, resumption with other features", .serialized, .timeLimit(.minutes(3)))
struct ClientResumptionFeatureTests {
    @Test("a forgotten upload begins again; not if it may be complete and the method is POST")
    func forgotten() async throws {
        let content = [UInt8](repeating: 1, count: 300_000)
        let server = ResumableServer { _, number in
            number == 1 ? .cut(after: 1000) : number == 2 ? .forget : .none
        }
        let (listener, client) = try resuming(server)
        // Slow enough that the end is not sent before the cut.
        client.maximumUploadBytesPerSecond = 2_000_000
        #expect(try await client.send(Request(.post, listener.url, content: .bytes(content))).status == 201)
        #expect(server.methods == ["POST", "HEAD", "POST"] && server.stored.map(\.body) == [content])

        let complete = ResumableServer { _, number in number == 1 ? .loseAnswer : number == 2 ? .forget : .none }
        let (other, posting) = try resuming(complete)
        let error = await expectError(.resumptionFailed) {
            try await posting.send(Request(.post, other.url, content: .bytes(content)))
        }
        #expect(error?.message.contains("may have been complete") == true)
        #expect(complete.methods.prefix(2) == ["POST", "HEAD"] && !complete.methods.contains("PATCH"))
    }

    @Test("a stall is an interruption") func stall() async throws {
        let server = ResumableServer { _, number in number == 1 ? .stall(after: 100_000) : .none }
        let (listener, client) = try resuming(server) { $0.stallTimeout = .milliseconds(400) }
        let content = SeededGenerator.manyBytes(8_000_000, case: 1)
        #expect(try await client.send(Request(.put, listener.url, content: .bytes(content))).status == 201)
        #expect(server.methods == ["PUT", "HEAD", "PATCH"] && server.stored.map(\.body) == [content])
    }

    @Test("104 before 100 and instead of it, and more 104s than libcurl takes") func interim() async throws {
        let content = SeededGenerator.manyBytes(4_000_000, case: 2)
        let server = ResumableServer { _, number in number == 1 ? .cut(after: 1_500_000) : .none }
        let (listener, client) = try resuming(server) { $0.expect = .always }
        #expect(try await client.send(Request(.put, listener.url, content: .bytes(content))).status == 201)
        #expect(server.stored.map(\.body) == [content])
        #expect(server.heads.value[0]["expect"] == "100-continue")

        // 300 KiB of interim responses end the request: it is resumed.
        var options = ResumableServer.Options()
        options.acknowledging = 16 << 10
        options.interimFields = "X-Filler: " + String(repeating: "x", count: 2000) + "\r\n"
        let talkative = ResumableServer(options)
        let (other, listening) = try resuming(talkative)
        let response = try await listening.send(Request(.put, other.url, content: .bytes(content)))
        #expect(response.status == 201 && response.metrics.resumptions > 0)
        #expect(talkative.stored.map(\.body) == [content])
    }

    @Test("a cancelled request is deleted from the server", arguments: [false, true]) func cancel(byTask: Bool)
        async throws
    {
        let server = ResumableServer { _, number in number == 1 ? .stall(after: 100_000) : .none }
        let (listener, client) = try resuming(server)
        let url = listener.url
        let sending = Task {
            try await client.send(Request(.put, url, content: .bytes(SeededGenerator.manyBytes(8_000_000, case: 3))))
        }
        #expect(try await eventually { server.receivedCount == 100_000 })
        // Without the interim response, which may still be on its way, the client knows no location.
        try await Task.sleep(for: .seconds(1))
        if byTask { sending.cancel() } else { client.cancel() }
        await expectError(.cancelled) { try await sending.value }
        #expect(try await eventually { server.methods == ["PUT", "DELETE"] && server.stored.isEmpty })
    }

    @Test("a redirect is followed, and the location is relative to the last URL") func redirect() async throws {
        let server = ResumableServer { head, number in
            if head.line.hasPrefix("PUT /old") { return .refuse(307, fields: "Location: /new/place\r\n") }
            return number == 2 ? .cut(after: 1000) : .none
        }
        let (listener, client) = try resuming(server)
        let content = [UInt8](repeating: 1, count: 300_000)
        #expect(try await client.send(Request(.put, listener.url + "old", content: .bytes(content))).status == 201)
        #expect(server.methods == ["PUT", "PUT", "HEAD", "PATCH"] && server.stored.map(\.body) == [content])
    }

    @Test("a redirect of the rest is followed and reported") func redirectedRest() async throws {
        let server = ResumableServer { head, number in
            let path = head.line.split(separator: " ")[1]
            return number == 1 ? .cut(after: 1000) : number == 3 ? .refuse(308, fields: "Location: \(path)\r\n") : .none
        }
        let (listener, client) = try resuming(server)
        let content = [UInt8](repeating: 1, count: 300_000)
        let last = Shared(UploadProgress())
        let request = Request(.put, listener.url, content: .bytes(content))
        #expect(try await client.send(request) { last.set($0) }.status == 201)
        #expect(server.methods == ["PUT", "HEAD", "PATCH", "PATCH"] && server.stored.map(\.body) == [content])
        #expect(last.value.redirects == [UploadProgress.Redirect(status: 308, url: "\(listener.url)upload/1")])
        #expect(last.value.bytesSent == 300_000)
    }

    @Test("progress begins at the offset and never goes back below it") func progress() async throws {
        let server = ResumableServer { _, number in number == 1 ? .cut(after: 2_000_000) : .none }
        let (listener, client) = try resuming(server) {
            $0.progressInterval = .milliseconds(1)
            $0.maximumUploadBytesPerSecond = 20_000_000
        }
        let values = Shared<[UploadProgress]>([])
        let content = SeededGenerator.manyBytes(4_000_000, case: 4)
        _ = try await client.send(Request(.put, listener.url, content: .bytes(content))) { values.append($0) }
        #expect(values.value.last?.bytesSent == 4_000_000 && values.value.last?.bytesRead == 4_000_000)
        let later = values.value.drop { $0.bytesSent < 1_900_000 }
        #expect(later.allSatisfy { $0.bytesSent >= 1_000_000 }, "\(later.map(\.bytesSent))")
    }

    @Test("the digest of content is right after an interruption, and a digest before the body is sent once")
    func digest() async throws {
        let content = SeededGenerator.manyBytes(2_000_000, case: 5)
        let server = ResumableServer { _, number in number == 1 ? .cut(after: 700_000) : .none }
        let (listener, client) = try resuming(server) { $0.digest = .init(.sha256, .field) }
        let digest = ContentDigest()
        let response = try await client.send(
            Request(.put, listener.url, content: .bytes(content).digested(into: digest)))
        #expect(response.status == 201 && server.stored.map(\.body) == [content])
        let expected = ContentDigest()
        let (other, plain) = try resuming(ResumableServer())
        _ = try await plain.send(Request(.put, other.url, content: .bytes(content).digested(into: expected)))
        #expect(digest.bytes != nil && digest.bytes == expected.bytes)
        #expect(server.heads.value[0]["repr-digest"] == digest.fieldValue)
        #expect(server.heads.value.dropFirst().allSatisfy { $0["repr-digest"] == nil })
    }
}
