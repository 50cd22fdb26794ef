import TestSupport
import Testing

@testable import Receiver

@Suite("HTTP/1 after the last response", .timeLimit(.minutes(3))) struct HTTP1DiscardingTests {
    private static let upgrade = "GET /echo/b HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"

    /// SwiftNIO's decoder would store all bytes that follow the request.
    @Test(
        "Nothing is read after a request for another protocol that is discarded",
        arguments: [
            // It was received before the last response, whose content of unknown length ends with the connection.
            ("GET /count/3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + upgrade, ""),
            // It is received after the last response, which is an early error.
            ("POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n", "a" + upgrade),
        ])
    func otherProtocol(before: String, after: String) async throws {
        try await RunningServer.with { server in
            let sent = try await server.connected { connection in
                connection.setSendDeadline(.milliseconds(500))
                try connection.send(before)
                _ = try connection.receiveToEnd()
                // These fail if the server has closed the connection.
                try? connection.send(after)
                return connection.sendZeros()
            }
            #expect(sent < 64 << 20)
        }
    }

    /// SwiftNIO's decoder delivers nothing of them.
    @Test(
        "After input that is not HTTP, at most 64 MiB are read",
        arguments: [
            "GET / HTTP/1.1\r\nHost: x\r\nx: \(String(repeating: "a", count: 100_000))\r\n", "no HTTP\r\n\r\n",
            "PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            "GET /health HTTP/1.1\r\nHost: x\r\n\r\nno HTTP\r\n\r\n",
            // These responses do not end.
            "GET /count/inf HTTP/1.1\r\nHost: x\r\n\r\nno HTTP\r\n\r\n",
            "GET /count/inf HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        ])
    func notHTTP(input: String) async throws {
        try await RunningServer.with { server in
            let sent = try await server.zerosAccepted(after: input)
            // The limit, and what the systems of both sides buffer.
            #expect(sent < 128 << 20)
        }
    }

    /// The first response has content of unknown length, which in HTTP/1.0 ends with the connection.
    @Test("Nothing is sent after the last response", arguments: [false, true], ["", "Upgrade: x\r\n"])
    func otherResponses(isHalfClosed: Bool, field: String) async throws {
        try await RunningServer.with { server in
            let received = try await server.connected { connection in
                try connection.send(
                    "GET /count/1 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
                        + "GET /echo/b HTTP/1.1\r\nHost: x\r\n\(field)\r\n")
                if isHalfClosed { connection.finishSending() }
                return String(decoding: try connection.receiveToEnd(), as: UTF8.self)
            }
            #expect(received.hasSuffix("\r\n\r\n1\n"))
        }
    }
}
