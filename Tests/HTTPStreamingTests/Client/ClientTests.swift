import Foundation
import Multipart
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Client", .timeLimit(.minutes(2)))
struct ClientTests {
    @Test("send has an exact Content-Length, sends the parts in order and returns the response")
    func send() async throws {
        let (recorder, server, client) = try recording()
        let directory = try TemporaryDirectory()
        let path = try directory.write("hello".utf8, to: "a ü\".txt")
        let response = try await client.send(.file(path), .field("c", "text"), Part("b", .bytes([0, 13, 10])))
        #expect(response.status == 201 && response.isSuccess)
        let request = try #require(recorder.last)
        #expect(try await response.text() == "\(request.body.count)")
        #expect(response.bytesSent == Int64(request.body.count))
        #expect(request.head.line == "POST / HTTP/1.1")
        #expect(request.head["content-length"] == "\(request.body.count)")
        #expect(request.head["transfer-encoding"] == nil)
        #expect(request.head["user-agent"]?.hasPrefix("http-streaming/") == true)
        let parts = try recorder.lastParts()
        #expect(
            parts.map(\.head) == [
                PartHead(name: "file", filename: "a ü\".txt", contentType: "text/plain"),
                PartHead(name: "c"), PartHead(name: "b"),
            ]
        )
        #expect(parts.map(\.content) == [Array("hello".utf8), Array("text".utf8), [0, 13, 10]])
        #expect(server.errors == [])
    }

    @Test("two sendUnclosed and a close are one document in one request; its connection is kept")
    func sendUnclosed() async throws {
        let (recorder, server, client) = try recording()
        let directory = try TemporaryDirectory()
        let contents = [[UInt8](repeating: 1, count: 3_000_000), [UInt8](repeating: 2, count: 65_537)]
        let paths = try contents.enumerated().map { try directory.write($1, to: "\($0).bin") }
        for round in 1...3 {
            #expect(try await client.sendUnclosed(.file(paths[0])))
            #expect(try await client.sendUnclosed(.file(paths[1])))
            #expect(recorder.count == 2 * (round - 1))
            #expect(try await client.close().status == 201)
            #expect(recorder.last?.head["transfer-encoding"] == "chunked")
            #expect(try recorder.lastParts().map(\.content) == contents)
            #expect(try await client.send(.file(paths[1])).status == 201)
        }
        #expect(recorder.requests.map(\.connection) == [1, 1, 1, 1, 1, 1])
        #expect(server.accepted == 1)
        #expect(server.errors == [])
    }

    @Test("sendUnclosed returns exactly when the network has accepted the part") func backPressure() async throws {
        let reading = Shared(false)
        let read = Shared(0)
        let gate = Gate()
        let server = try FaultServer(receiveBuffer: 8192) { connection in
            let head = try connection.readHeadAndContinue()
            #expect(head?["expect"] == "100-continue")
            gate.wait()
            reading.set(true)
            while case let chunk = try connection.readChunk(), !chunk.isEmpty { read.update { $0 += chunk.count } }
            try connection.respond(200)
        }
        let client = try Client(.post, server.url)
        async let sent = client.sendUnclosed(.filler(64 << 20))
        try await Task.sleep(for: .milliseconds(300))
        #expect(!reading.value)
        gate.open()
        #expect(try await sent)
        // Everything but the content of the kernel's buffers and one of libcurl's.
        #expect(read.value > 48 << 20)
        #expect(try await client.close().status == 200)
    }

    @Test("send during an open request adds its parts and finishes that request") func sendFinishes() async throws {
        let (recorder, _, client) = try recording()
        try await client.sendUnclosed(.field("a", "1"))
        #expect(try await client.send(.field("b", "2"), .field("c", "3")).status == 201)
        #expect(try recorder.lastParts().map(\.head.name) == ["a", "b", "c"])
        #expect(recorder.count == 1)
        await expectError(.nothingOpen) { try await client.close() }
    }

    @Test("close without an open request is an error; sending no parts is an empty document")
    func nothing() async throws {
        let (recorder, server, client) = try recording()
        await expectError(.nothingOpen) { try await client.close() }
        #expect(server.accepted == 0)
        #expect(try await client.send().status == 201)
        #expect(try recorder.lastParts().isEmpty)
    }

    @Test("a part that cannot be opened leaves the open request unchanged") func missingPart() async throws {
        let (recorder, server, client) = try recording()
        await expectError(.sourceUnreadable) { try await client.sendUnclosed(.file("/no/such")) }
        await expectError(.nothingOpen) { try await client.close() }
        try await client.sendUnclosed(.field("a", "1"))
        await expectError(.sourceUnreadable) { try await client.sendUnclosed(.file("/no/such")) }
        await expectError(.sourceUnreadable) { try await client.send(.field("b", "2"), .file("/no/such")) }
        try await client.sendUnclosed(.field("c", "3"))
        #expect(try await client.close().status == 201)
        #expect(try recorder.lastParts().map(\.head.name) == ["a", "c"])
        #expect(server.accepted == 1)
    }

    @Test("calls of many tasks on one client run one after another on one connection") func serialized() async throws {
        let (recorder, server, client) = try recording()
        try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<50 { group.addTask { try await client.send(.field("n", "\(index)")).status } }
            for try await status in group { #expect(status == 201) }
        }
        #expect(recorder.count == 50)
        #expect(server.accepted == 1)
    }

    @Test("many clients have a connection each and share a few threads") func manyClients() async throws {
        let server = try FaultServer(Recorder().serve)
        try await withThrowingTaskGroup(of: Int.self) { group in
            for index in 0..<100 {
                group.addTask {
                    let client = try Client(.post, server.url)
                    try await client.sendUnclosed(
                        Part("file", .bytes([UInt8](repeating: UInt8(index), count: 100_000))))
                    return try await client.close().status
                }
            }
            for try await status in group { #expect(status == 201) }
        }
        #expect(server.accepted == 100)
        #expect(AgentPool.shared.count <= 4)
    }

    @Test("progress never decreases and ends with the total") func progress() async throws {
        let (_, _, client) = try recording()
        let seen = Shared<[UploadProgress]>([])
        let response = try await client.send(.filler(5_000_000)) { seen.append($0) }
        let last = try #require(seen.value.last)
        #expect(last.bytesSent == response.bytesSent && last.totalBytes == response.bytesSent)
        #expect(zip(seen.value, seen.value.dropFirst()).allSatisfy { $0.bytesSent <= $1.bytesSent })
        let unclosed = Shared<[UploadProgress]>([])
        try await client.sendUnclosed(.field("a", "b")) { unclosed.append($0) }
        #expect(unclosed.value.last?.totalBytes == nil)
        #expect(unclosed.value.last.map { $0.bytesSent > 0 } == true)
        _ = try await client.close()
    }
}
