import Foundation
import TestSupport
import Testing

@testable import Receiver

/// Requests whose end a proxy in front of the server may see elsewhere than the server (RFC 9112 §11.2).
@Suite("Request smuggling", .timeLimit(.minutes(2)))
struct SmugglingTests {
    /// A request that must never be answered: it is in the body of the request before.
    private static let smuggled = "GET /echo/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

    /// Sends a request, and what it smuggles, and reads until the server closes the connection.
    private func attack(
        _ head: String, _ body: String, statuses: Set<Int> = [400, 501],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await RunningServer.with { server in
            let answer = try await server.connected { connection in
                try connection.send(Array((head + body + Self.smuggled).unicodeScalars.map { UInt8($0.value) }))
                connection.finishSending()
                return String(decoding: try connection.receiveToClose(), as: UTF8.self)
            }
            let status = Int(answer.dropFirst("HTTP/1.1 ".count).prefix(3)) ?? 0
            #expect(statuses.contains(status), "\(answer)", sourceLocation: sourceLocation)
            #expect(answer.contains("Connection: close\r\n"), "\(answer)", sourceLocation: sourceLocation)
            #expect(!answer.contains("smuggled"), "\(answer)", sourceLocation: sourceLocation)
            #expect(try await server.contentsWhenSettled().isEmpty, sourceLocation: sourceLocation)
            #expect(try await server.isAlive(), sourceLocation: sourceLocation)
        }
    }

    @Test(
        "a head whose fields frame the body in two ways is refused, and the connection is closed",
        arguments: [
            "Content-Length: 5\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Transfer-Encoding: chunked\r\nContent-Length: 0", "Transfer-Encoding : chunked",
            "Transfer-Encoding\t: chunked", "Transfer-Encoding: chunked, identity",
            "Transfer-Encoding: identity, chunked", "Transfer-Encoding: identity",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding: xchunked",
            "Transfer-Encoding: chunkedx", "Transfer-Encoding: \"chunked\"", "Transfer-Encoding: chunked;q=1",
            "Transfer-Encoding: \u{B}chunked", "Transfer-Encoding: chunked\u{B}", "Transfer-Encoding: ,chunked",
            "Transfer-Encoding: chunked,", "Transfer-Encoding: ", "Transfer-Encoding:\r\n chunked",
            "Transfer-Encoding: chunked\r\n , identity", "Transfer\u{AD}-Encoding: chunked",
            "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5, 5",
            "Content-Length: +5", "Content-Length: -5", "Content-Length: 0x5", "Content-Length: 5 5",
            "Content-Length: 5a", "Content-Length: 5.0", "Content-Length: ", "Content-Length: \u{B}5",
            "Content-Length: 99999999999999999999", "Content-Length : 5", "Content Length: 5",
            "Content-Length: 5\r\n 6", "Content-Length:\r\n 5", "Content-Length: 5\0", "Content-Length\0: 5",
        ])
    func fields(lines: String) async throws {
        try await attack("PUT /x HTTP/1.1\r\nHost: x\r\n\(lines)\r\n\r\n", "0\r\n\r\n")
    }

    @Test(
        "a head with lines that programs split differently is refused, and the connection is closed",
        arguments: [
            "X: a\nContent-Length: 5\r\n", "X: a\rContent-Length: 5\r\n", "X: a\0b\r\n", "X\0: a\r\n", "X Y: a\r\n",
            ": a\r\n", "X\r\n", "X\u{E9}: a\r\n", "X\u{7F}: a\r\n", "X(: a\r\n", "\u{B}X: a\r\n", "X: a\u{1}\r\n",
            "X: a\n", "X: a\r\r\n", "\nX: a\r\n", "\rX: a\r\n",
        ])
    func lines(lines: String) async throws {
        try await attack("PUT /x HTTP/1.1\r\nHost: x\r\n\(lines)Content-Length: 5\r\n\r\n", "0\r\n\r\n")
    }

    @Test(
        "a request line that programs read differently is refused, and the connection is closed",
        arguments: [
            "PUT /x HTTP/1.1\n", "PUT /x HTTP/1.1\r", "PUT\t/x HTTP/1.1\r\n",
            "PUT /x HTTP/1.1 \r\n", "PUT /x y HTTP/1.1\r\n", "PUT /x\0 HTTP/1.1\r\n", "PUT /x HTTP/1.1x\r\n",
            "PUT /x HTTP/01.1\r\n", "PUT /x\r\n", " PUT /x HTTP/1.1\r\n", "PUT\0 /x HTTP/1.1\r\n",
        ])
    func requestLine(line: String) async throws {
        try await attack("\(line)Host: x\r\nContent-Length: 5\r\n\r\n", "0\r\n\r\n", statuses: [400, 505])
    }

    @Test(
        "a chunk whose end programs see in different places is refused, and the connection is closed",
        arguments: [
            // CVE-2025-55315: a line end within an extension
            "1;a\nb\r\nX\r\n0\r\n\r\n", "1;a\rb\r\nX\r\n0\r\n\r\n", "1;\nX\r\n0\r\n\r\n",
            "1;a=\"\n\"\r\nX\r\n0\r\n\r\n",
            "1;a=\"\r\nX\r\n0\r\n\r\n\"\r\n", "1;\0\r\nX\r\n0\r\n\r\n",
            "1\nX\r\n0\r\n\r\n", "1\rX\r\n0\r\n\r\n", "1\r\nX\n0\r\n\r\n", "1\r\nX\r0\r\n\r\n", "1\r\nX0\r\n\r\n",
            "1\r\nXY\r\n0\r\n\r\n", "1\r\nX\r\n0\n\r\n", "1\r\nX\r\n0\r\n\n", "1\r\nX\r\n0\r\nA: b\n\r\n",
            "0x1\r\nX\r\n0\r\n\r\n", "+1\r\nX\r\n0\r\n\r\n", "-1\r\nX\r\n0\r\n\r\n", " 1\r\nX\r\n0\r\n\r\n",
            "\r\n1\r\nX\r\n0\r\n\r\n", "g\r\nX\r\n0\r\n\r\n", ";a\r\nX\r\n0\r\n\r\n", "1,1\r\nX\r\n0\r\n\r\n",
            "1 1\r\nX\r\n0\r\n\r\n", "10000000000000001\r\nX\r\n0\r\n\r\n", "1\0\r\nX\r\n0\r\n\r\n",
            "1\r\nX\r\n0\r\nA : b\r\n\r\n", "1\r\nX\r\n0\r\n A: b\r\n\r\n", "1\r\nX\r\n0\r\nA\r\n\r\n",
        ])
    func chunks(body: String) async throws {
        try await attack("PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", body)
    }

    /// RFC 9112 §6.1 allows a server to read them.
    @Test("after chunks in a request of HTTP/1.0 the connection is closed") func http10() async throws {
        try await RunningServer.with { server in
            let head = "PUT /x HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n"
            let (response, rest) = try await server.lastResponse(
                to: head, chunk("a".utf8) + chunk([]) + Array(Self.smuggled.utf8))
            #expect(response.status == 201 && response.head.contains("Connection: close\r\n"))
            #expect(rest.isEmpty)
        }
    }

    @Test(
        "bodies of requests that have none are not read as requests", arguments: ["GET", "HEAD", "OPTIONS", "DELETE"])
    func unexpectedBody(method: String) async throws {
        try await RunningServer.with { server in
            let answer = try await server.connected { connection in
                let length = "Content-Length: \(Self.smuggled.utf8.count)"
                try connection.send("\(method) /health HTTP/1.1\r\nHost: x\r\n\(length)\r\n\r\n\(Self.smuggled)")
                connection.finishSending()
                return String(decoding: try connection.receiveToClose(), as: UTF8.self)
            }
            #expect(
                answer.hasPrefix("HTTP/1.1 ") && answer.components(separatedBy: "HTTP/1.1 ").count == 2, "\(answer)")
            #expect(!answer.contains("smuggled"))
        }
    }
}
