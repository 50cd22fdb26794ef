import ContentCoding
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

/// Servers that require a Content-Length.
@Suite("Client, lengths", .serialized, .timeLimit(.minutes(2)))
struct ClientLengthTests {
    /// A server that refuses chunked requests, before or after the body.
    private func server(_ status: Int, _ recorder: Recorder, readsBody: Bool) throws -> FaultServer {
        try FaultServer { connection in
            while let head = try connection.readHead() {
                guard head["transfer-encoding"] != nil else {
                    let body = try connection.readBody(of: head)
                    try recorder.take(head, body, connection)
                    continue
                }
                recorder.kept.append((head, [], connection.number))
                if readsBody {
                    _ = try connection.readBody(of: head)
                    try connection.respond(status, "say how long")
                } else {
                    try connection.respond(status, "say how long", fields: "Connection: close\r\n")
                    while try !connection.receiveSome().isEmpty {}
                    return
                }
            }
        }
    }

    private func stream(_ content: [UInt8]) -> Part {
        Part(
            "file",
            .stream {
                AsyncStream(of: stride(from: 0, to: content.count, by: 7000).map { content[$0...].prefix(7000) })
            })
    }

    @Test("a refused chunked body is counted and sent again with its length", arguments: [411, 501], [true, false])
    func counted(status: Int, readsBody: Bool) async throws {
        let directory = try TemporaryDirectory()
        let content = bottles(1_500_000)
        let file = try directory.write(content, to: "f")
        for (number, (coding, parts)) in [
            (Client.ContentCoding.gzip(workers: 3), [Part.file(file)]),
            (.identity, [.file(file).gzipped(), .field("a", "b")]), (.identity, [stream(content), .file(file)]),
            (.gzip(workers: 3), [stream(content).gzipped(), .file(file)]),
            (.automatic, [Part("file", .bytes(try Coding.gzip.encode(content))), .file(file)]),
        ].enumerated() {
            let recorder = Recorder()
            let server = try server(status, recorder, readsBody: readsBody)
            let client = try Client(server, coding)
            let response = try await client.send(parts)
            #expect(response.status == 201, "\(number)")
            #expect(recorder.count == 2)
            let request = recorder.request(1)
            #expect(
                request.head["content-length"] == "\(request.body.count)" && request.head["transfer-encoding"] == nil)
            #expect(try await response.text() == "\(response.bytesSent)")
            let received = try recorder.lastParts()
            let contents = try received.map { part in
                part.filename?.hasSuffix(".gz") == true ? try Coding.gzip.decode(part.content) : part.content
            }
            #expect(contents.contains(content))
            #expect(received.count == parts.count)
        }
    }

    @Test("a closed open request is sent again with its length") func openRequest() async throws {
        let recorder = Recorder()
        let server = try server(411, recorder, readsBody: true)
        let client = try Client(.post, server.url)
        for number in 0..<3 { #expect(try await client.sendUnclosed(.field("\(number)", "x"))) }
        #expect(try await client.close().status == 201)
        #expect(recorder.request(1).head["content-length"] == "\(recorder.request(1).body.count)")
        #expect(try receivedParts(of: recorder.request(1)).map(\.name) == ["0", "1", "2"])
    }

    @Test("nothing is sent again after sendUnclosed has returned false") func openRequestRefused() async throws {
        let server = try server(411, Recorder(), readsBody: false)
        let client = try Client(.post, server.url)
        #expect(try await eventually { !(try await client.sendUnclosed(.field("a", "b"))) })
        #expect(try await client.close().status == 411)
    }

    @Test("the body is counted once only: a second 411 is the response") func stubborn() async throws {
        let count = Shared(0)
        let server = try FaultServer { connection in
            while try connection.readRequest() != nil {
                count.update { $0 += 1 }
                try connection.respond(411, "never")
            }
        }
        let client = try Client(.post, server.url)
        #expect(try await client.send(stream(bottles(1000))).summary() == "411 never")
        #expect(count.value == 2)
        // A request with a length is not sent twice.
        #expect(try await client.send(.field("a", "b")).status == 411)
        #expect(count.value == 3)
    }

    @Test("a body that can be read once is not counted: the 411 is the response") func readOnce() async throws {
        for readsBody in [true, false] {
            let recorder = Recorder()
            let server = try server(411, recorder, readsBody: readsBody)
            let client = try Client(.post, server.url)
            let (pipe, idle) = (try OpenPipe(holding: [1, 2, 3]), try OpenPipe())
            #expect(try await client.send(Part("file", .descriptor(pipe.reader))).status == 411 && recorder.count == 1)
            // An idle source, of which nothing was read, causes no wait.
            guard !readsBody else { continue }
            #expect(try await client.send(Part("file", .descriptor(idle.reader))).status == 411)
            let stream = AsyncStream<[UInt8]> { _ in }
            #expect(try await client.send(Part("file", .stream(stream))).status == 411)
        }
    }

    @Test(
        "a length that differs from the counted one is an error; no complete document arrives",
        arguments: [-1, 1, 100_000])
    func changes(difference: Int) async throws {
        for gzipped in [false, true] {
            let (received, isOver, calls) = (Shared<[UInt8]>([]), Gate(), Shared(0))
            let server = try FaultServer { connection in
                guard let head = try connection.readHead() else { return }
                guard head["content-length"] != nil else {
                    _ = try connection.readBody(of: head)
                    return try connection.respond(411, fields: "Connection: close\r\n")
                }
                defer { isOver.open() }
                while case let bytes = try connection.receiveSome(), !bytes.isEmpty { received.update { $0 += bytes } }
            }
            // Sent, counted and sent again, the last time with another length.
            let part = Part(
                "file",
                .stream { () -> AsyncStream<[UInt8]> in
                    calls.update { $0 += 1 }
                    return AsyncStream(of: [bottles(200_000 + (calls.value == 3 ? difference : 0))])
                })
            let error = await expectError(.sourceChanged) {
                try await Client(.post, server.url).send(gzipped ? part.gzipped(level: 0) : part)
            }
            #expect(error?.message.hasPrefix("the length of the body has changed: it was 200") == true)
            #expect(calls.value == 3)
            await isOver.opened()
            #expect(!received.value.suffix(4).elementsEqual("--\r\n".utf8))
        }
    }

    @Test("a raw body that finds its end only by reading is counted and sent again", arguments: [411, 501])
    func rawBody(status: Int) async throws {
        let directory = try TemporaryDirectory()
        for content in [bottles(300_000), [7], []] {
            let path = try directory.write(content, to: "f")
            for body in [Content.file(path, changes: .asRead), .stream { AsyncStream(of: [content]) }] {
                let recorder = Recorder()
                let server = try server(status, recorder, readsBody: true)
                let response = try await Client().send(Request(.put, server.url, content: body))
                #expect(response.status == 201)
                #expect(recorder.last?.head["content-length"] == "\(content.count)")
                #expect(recorder.last?.body == content)
            }
        }
    }

    @Test("counting can be cancelled") func cancelled() async throws {
        let server = try server(411, Recorder(), readsBody: true)
        let calls = Shared(0)
        let part = Part(
            "file",
            .stream { () -> AsyncStream<[UInt8]> in
                calls.update { $0 += 1 }
                let isFirst = calls.value == 1
                return AsyncStream { continuation in
                    continuation.yield([1])
                    if isFirst { continuation.finish() }
                }
            })
        let client = try Client(.post, server.url)
        let task = Task { try await client.send(part) }
        #expect(try await eventually { calls.value == 2 })
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        await expectError(.cancelled) { try await task.value }
    }
}
