import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Requests that are sent again, and early responses that are not refusals.
@Suite("Client, repeated sending", .serialized, .timeLimit(.minutes(2)))
struct ClientAgainTests {
    private let big = Part.filler(32 << 20)

    @Test("a kept connection that the server has closed: the body is sent again from its start")
    func deadConnection() async throws {
        let directory = try TemporaryDirectory()
        let content = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 977) }
        let path = try directory.write(content, to: "again.bin")
        // Either a read or a write notices it.
        for _ in 0..<25 { try await resetsKeptConnection(path) }
    }

    private func resetsKeptConnection(_ path: String) async throws {
        // Answers once, reads the next request's head and closes, as a server whose idle timeout
        // ended while that request was on its way.
        let server = try FaultServer { connection in
            guard let (_, body) = try connection.readRequest() else { return }
            try connection.respond(201, "\(body.count)")
            guard connection.number == 1 else { return }
            _ = try connection.readHead()
            _ = try connection.receiveSome()
            connection.reset()
        }
        let client = try Client(.post, server.url) { $0.expect = .never }
        let first = try await client.send(.file(path))
        let second = try await client.send(.file(path))
        #expect(try await first.text() == second.text())
        #expect(second.status == 201)
        #expect(server.accepted == 2)
    }

    @Test("after 417 libcurl sends again without Expect, also a small PUT, or the 417 is the response")
    func expectationFailed() async throws {
        let server = try FaultServer { connection in
            while let head = try connection.readHead() {
                if head["expect"] != nil {
                    try connection.respond(417, "no")
                } else {
                    try connection.respond(201, "\(try connection.readBody(of: head).count)")
                }
            }
        }
        let response = try await Client(.post, server.url).send(.filler(4 << 20))
        #expect(try await response.summary() == "201 \(response.bytesSent)")
        #expect(try await Client(.put, server.url).send(.field("a", "b")).status == 201)
        #expect(try await Client(.put, server.url, { $0.expect = .always }).send(.field("a", "b")).status == 201)

        let stubborn = try FaultServer { connection in
            guard let head = try connection.readHead() else { return }
            if head["expect"] == nil { _ = try connection.readBody(of: head) }
            try connection.respond(417, "never", fields: "Connection: close\r\n")
        }
        let refused = try await Client(.post, stubborn.url).send(.filler(4 << 20))
        #expect(try await refused.summary() == "417 never")
    }

    @Test("an early success does not stop the body") func earlySuccess() async throws {
        let patient = try FaultServer { connection in
            guard let head = try connection.readHead() else { return }
            try connection.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            _ = try connection.receive(count: Int(head["content-length"] ?? "") ?? 0)
            _ = connection.isClosedByPeer()
        }
        let response = try await Client(.post, patient.url).send(big)
        #expect(response.status == 200)
        #expect(response.bytesSent > 32 << 20)

        let hasty = try FaultServer { connection in
            _ = try connection.readHead()
            try connection.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            _ = try connection.receive(count: 1_000_000)
        }
        await expectError(.connectionLost) { try await Client(.post, hasty.url).send(big) }
    }

    @Test("an open request on a connection that the server then closes is sent again")
    func deadConnectionOpen() async throws {
        let server = try FaultServer { connection in
            guard let (_, body) = try connection.readRequest() else { return }
            try connection.respond(201, "\(body.count)")
            guard connection.number == 1 else { return }
            // No 100: after any byte of a response it would not be sent again. libcurl waits for the 100
            // for a second.
            _ = try connection.readHead()
            _ = try connection.readChunk()
        }
        let client = try Client(.post, server.url)
        _ = try await client.send(.field("a", "1"))
        #expect(try await client.sendUnclosed(.field("a", "1")))
        // Until the parts have been sent again.
        #expect(try await eventually { server.accepted == 2 })
        #expect(try await client.sendUnclosed(.field("b", "2")))
        let response = try await client.close()
        #expect(response.status == 201)
        let whole = try await client.send(.field("a", "1"), .field("b", "2"))
        #expect(try await response.text() == whole.text())
    }

    @Test("417 after the whole body is the response, with its content") func expectationFailedLate() async throws {
        let late = try FaultServer { connection in
            guard let head = try connection.readHead() else { return }
            _ = try connection.receive(count: Int(head["content-length"] ?? "") ?? 0)
            try connection.respond(417, "never")
        }
        let response = try await Client(.post, late.url).send(.filler(2 << 20))
        #expect(try await response.summary() == "417 never")
    }

    @Test("an early success with much content is the response of send and of close", arguments: [true, false])
    func earlySuccessWithContent(unclosed: Bool) async throws {
        let server = try FaultServer { connection in
            guard let head = try connection.readHeadAndContinue() else { return }
            try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
            try connection.readRest(of: head, after: 0)
            try connection.send([UInt8](repeating: 0x78, count: 1_000_000))
        }
        let client = try Client(.post, server.url)
        let response = try await client.send(big, isUnclosed: unclosed)
        #expect(response.status == 200)
        #expect(try await response.bytes().count == 1_000_000)
    }

    @Test("a server may send the body back while it reads it") func echo() async throws {
        let server = try FaultServer { connection in
            guard let head = try connection.readHeadAndContinue() else { return }
            try connection.send("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            var left = Int(head["content-length"] ?? "") ?? 0
            while left > 0 {
                let bytes = try connection.receiveSome()
                guard !bytes.isEmpty else { return }
                try connection.send(bytes)
                left -= bytes.count
            }
        }
        let response = try await Client(.post, server.url).send(big)
        #expect(response.status == 200)
        #expect(try await response.bytes(limit: 64 << 20).count >= 32 << 20)
    }

    @Test("bytes after a response do not hide that the server closed an open request's connection")
    func strayBytes() async throws {
        let (mayAnswer, mayClose) = (Gate(), Gate())
        let server = try FaultServer { connection in
            try connection.readBeginning()
            mayAnswer.wait()
            try connection.respond(200, "ok")
            // Not together with the end of the response: libcurl would end the transfer.
            usleep(100_000)
            try connection.send("STRAY")
            mayClose.wait()
            try connection.hangUp()
        }
        let client = try Client(.post, server.url)
        #expect(try await client.sendUnclosed(.field("a", "b")))
        mayAnswer.open()
        try await Task.sleep(for: .milliseconds(500))
        mayClose.open()
        let error = await expectError(.connectionLost) {
            _ = try await eventually { !(try await client.sendUnclosed(.field("c", "d"))) }
        }
        #expect(error?.message.contains("closed the connection") == true, "\(error?.message ?? "")")
    }
}
