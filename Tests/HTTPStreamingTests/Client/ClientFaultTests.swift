import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Servers that answer early, badly or not at all. The client must not hang or crash, and each error
/// must name its cause.
@Suite("Client, faults", .serialized, .timeLimit(.minutes(2)))
struct ClientFaultTests {
    private let big = Part.filler(32 << 20)

    @Test("an answer in mid-body is the response, whether the server reads on, closes or resets", arguments: 0..<3)
    func earlyAnswer(ending: Int) async throws {
        for round in 0..<40 {
            let server = try FaultServer { connection in
                try connection.readBeginning(100_000 + round * 50_000)
                try connection.respond(413, "too big for me", fields: "Connection: close\r\n")
                switch ending {
                case 0: while try !connection.receiveSome().isEmpty {}
                case 1: break
                default: connection.reset()
                }
            }
            let client = try Client(.post, server.url)
            let response = try await client.send(big)
            #expect(response.status == 413)
            // A reset may lose unread content, but never the status.
            if ending < 2 { #expect(try await response.text() == "too big for me") }
            #expect(response.bytesSent < 32 << 20)
            #expect(response.bytesSent >= 100_000)
        }
    }

    @Test(
        "an answer in mid-body with slow content is read whole, with a length or chunked",
        arguments: [
            "HTTP/1.1 413 No\r\nContent-Length: 100000\r\n\r\n",
            "HTTP/1.1 413 No\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 413 No\r\nTransfer-Encoding: chunked\r\n\r\n186a0\r\n",
            "HTTP/1.1 413 No\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n186a0\r\n",
            "HTTP/1.0 413 No\r\n\r\n",
        ]
    )
    func slowEarlyAnswer(head: String) async throws {
        let server = try FaultServer { connection in
            try connection.readBeginning(500_000)
            try connection.send(head)
            usleep(300_000)
            try connection.send([UInt8](repeating: 0x78, count: 100_000))
            if head.contains("chunked") { try connection.send("\r\n0\r\n\r\n") }
            try connection.hangUp()
        }
        let client = try Client(.post, server.url)
        let response = try await client.send(big)
        #expect(response.status == 413)
        #expect(try await response.bytes().count == 100_000)
        #expect(try await eventually { !(try await client.sendUnclosed(big)) })
        let unclosed = try await client.close()
        #expect(unclosed.status == 413)
        #expect(try await unclosed.bytes().count == 100_000)
    }

    @Test("an answer in mid-body of an open request: sendUnclosed returns false, close returns the answer")
    func earlyAnswerOpen() async throws {
        let server = try refusingServer(503, "later")
        let client = try Client(.post, server.url)
        #expect(try await eventually { !(try await client.sendUnclosed(big)) })
        #expect(!(try await client.sendUnclosed(.field("a", "b"))))
        #expect(try await client.close().summary() == "503 later")
        await expectError(.nothingOpen) { try await client.close() }
    }

    @Test("an answer between two parts of an open request is noticed", arguments: [true, false])
    func answerWhileOpen(closes: Bool) async throws {
        let isSent = Gate()
        let server = try FaultServer { connection in
            try connection.readBeginning()
            isSent.wait()
            try connection.respond(408, "too slow")
            if !closes { _ = connection.isClosedByPeer() }
        }
        let client = try Client(.post, server.url)
        #expect(try await client.sendUnclosed(.field("a", "b")))
        isSent.open()
        #expect(try await eventually { !(try await client.sendUnclosed(.field("c", "d"))) })
        #expect(try await client.close().summary() == "408 too slow")
    }

    @Test("a server that closes between two parts of an open request is noticed", arguments: [true, false])
    func hangUpWhileOpen(resets: Bool) async throws {
        let isSent = Gate()
        let server = try FaultServer { connection in
            try connection.readBeginning()
            isSent.wait()
            if resets { connection.reset() }
        }
        let client = try Client(.post, server.url)
        #expect(try await client.sendUnclosed(.field("a", "b")))
        isSent.open()
        // The parts are lost: the next call must not begin a new document without them.
        await expectError(.connectionLost) {
            _ = try await eventually { !(try await client.sendUnclosed(.field("c", "d"))) }
        }
        await expectError(.nothingOpen) { try await client.close() }
    }

    @Test("a server that closes or resets in mid-body is an error", arguments: [true, false])
    func closesInMidBody(resets: Bool) async throws {
        let server = try FaultServer { connection in
            try connection.readBeginning(1_000_000)
            if resets { connection.reset() }
        }
        let client = try Client(.post, server.url)
        for _ in 0..<10 {
            let error = await expectError(.connectionLost) { try await client.send(big) }
            #expect(error?.curlCode != nil)
            let sent = try #require(error).bytesSent
            #expect(sent >= 1_000_000 && sent < 32 << 20)
            #expect(error?.description.contains("\(sent) bytes of the body had been sent") == true)
            #expect(error?.description.contains("\n") == false)
        }
    }

    @Test("closing without an answer, or answering without HTTP, is an error") func noAnswer() async throws {
        for (answer, code) in [
            ("", ClientError.Code.connectionLost), ("HTTP/1.1 2", .connectionLost),
            ("SSH-2.0-OpenSSH\r\n", .invalidResponse),
        ] {
            let server = try FaultServer { connection in
                guard try connection.readRequest() != nil else { return }
                try connection.send(answer)
            }
            await expectError(code, "\(answer)") { try await Client(.post, server.url).send(.field("a", "b")) }
        }
    }

    @Test("a refused connection and an unknown host are errors") func unreachable() async throws {
        let refusing = "http://127.0.0.1:\(LoopbackPort.refusing)"
        var error = await expectError(.connectionFailed) { try await Client(.post, refusing).send(.field("a", "b")) }
        #expect(error?.underlying as? SystemError == SystemError(code: ECONNREFUSED))
        #expect(error?.description.contains("Connection refused") == true)
        error = await expectError(.hostNotFound) {
            try await Client(.post, "http://no-such-host.invalid/").send(.field("a", "b"))
        }
        #expect(error?.bytesSent == 0)
    }

    @Test("a file that shrinks while it is sent is an error that names it", arguments: [true, false])
    func shrinks(unclosed: Bool) async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([UInt8](repeating: 1, count: 64 << 20), to: "shrinking.bin")
        let isWhole = Shared(false)
        let server = try FaultServer(receiveBuffer: 8192) { connection in
            try connection.readBeginning(65536)
            truncate(path, 1_000_000)
            var end: [UInt8] = []
            while case let bytes = try connection.receiveSome(), !bytes.isEmpty { end = (end + bytes).suffix(9) }
            // The closing delimiter, or the last chunk after it.
            isWhole.set(end.suffix(4).elementsEqual("--\r\n".utf8) || end.suffix(5).elementsEqual("0\r\n\r\n".utf8))
        }
        let client = try Client(.post, server.url)
        let error = await expectError(.sourceChanged) {
            if unclosed { try await client.sendUnclosed(.file(path)) } else { _ = try await client.send(.file(path)) }
        }
        #expect(error?.description.contains(path) == true)
        #expect(error?.description.contains("shrank") == true)
        #expect(!isWhole.value)
    }

    @Test("connecting is aborted after its time limit") func connectTimeout() async throws {
        let backlog = FullBacklog()
        defer { withExtendedLifetime(backlog) {} }
        let clients = try (0..<4).map { _ in try Client(.post, backlog.url) { $0.connectTimeout = .milliseconds(200) } }
        let codes = await withTaskGroup(of: ClientError.Code?.self) { group in
            for client in clients {
                group.addTask {
                    // Connections within the backlog are never answered; the kernel may reset them.
                    let sending = Task { try await client.send(.field("a", "b")) }
                    try? await Task.sleep(for: .seconds(1))
                    sending.cancel()
                    do {
                        _ = try await sending.value
                        return nil
                    } catch { return (error as? ClientError)?.code }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.contains(.timedOut))
        #expect(codes.allSatisfy { $0 == .timedOut || $0 == .cancelled || $0 == .connectionLost }, "\(codes)")
    }
}
