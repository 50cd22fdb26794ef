import Foundation
import TestSupport
import Testing

@testable import Receiver

/// What each version of HTTP expects of a connection (RFC 9112 §9), byte by byte.
@Suite(.timeLimit(.minutes(2))) struct PersistenceTests {
    private static func get(_ path: String, _ version: String = "1.1", _ fields: [String] = []) -> String {
        (["GET \(path) HTTP/\(version)", "Host: x"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// Sends one request, and another one if the connection is still there.
    ///
    /// - Returns: the first answer, and the second one's content.
    private func twice(
        _ version: String, _ fields: [String], path: String = "/echo/"
    ) async throws -> (head: String, body: String, second: String?) {
        try await RunningServer.with { server in
            try await server.connected { connection in
                try connection.send(Self.get(path + "first", version, fields))
                let first = try connection.receiveResponse()
                guard !first.head.lowercased().contains("connection: close\r\n") else {
                    #expect(try connection.receiveToEnd().isEmpty, "the end comes with the answer")
                    return (first.head, first.body, nil)
                }
                try connection.send(Self.get(path + "second", version, fields))
                return (first.head, first.body, try connection.receiveResponse().body)
            }
        }
    }

    @Test(arguments: [
        ("1.1", [], true), ("1.1", ["Connection: close"], false), ("1.1", ["Connection: x, Close"], false),
        ("1.1", ["Connection: keep-alive"], true), ("1.0", [], false), ("1.0", ["Connection: Keep-Alive"], true),
        ("1.0", ["Connection: close"], false),
    ])
    func aConnectionIsKeptAsItsVersionSays(version: String, fields: [String], isKept: Bool) async throws {
        let (head, body, second) = try await twice(version, fields)
        #expect(head.hasPrefix("HTTP/1.1 200 "))
        #expect(body == "first")
        #expect(second == (isKept ? "second" : nil))
        // What HTTP/1.0 does not take for granted is said.
        #expect(head.contains("Connection: keep-alive\r\n") == (version == "1.0" && isKept))
    }

    /// Content whose length is not known ends with the connection.
    @Test func http10GetsNoChunks() async throws {
        try await RunningServer.with { server in
            for fields in [[], ["Connection: keep-alive"]] {
                let answer = try await server.connected { connection in
                    try connection.send(Self.get("/count/3?interval=0", "1.0", fields))
                    return String(decoding: try connection.receiveToEnd(), as: UTF8.self)
                }
                #expect(answer.contains("Connection: close\r\n"))
                #expect(!answer.contains("Transfer-Encoding"))
                #expect(answer.hasSuffix("\r\n\r\n1\n2\n3\n"))
            }
        }
    }

    @Test func http10NeedsNoHostAndExpectsNothing() async throws {
        try await RunningServer.with { server in
            let response = try await server.connected { connection in
                try connection.send("PUT /x HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc")
                return try connection.receiveResponse()
            }
            #expect(response.status == 201)
            #expect(try server.directory.read("x") == Data("abc".utf8))
        }
    }

    @Test(arguments: [[], ["Host: x", "Host: x"], ["Host: a b"], ["Host: x/y"]])
    func http11HasOneHost(hosts: [String]) async throws {
        try await RunningServer.with { server in
            let (first, second) = try await server.connected { connection in
                try connection.send((["GET /echo/a HTTP/1.1"] + hosts).joined(separator: "\r\n") + "\r\n\r\n")
                let first = try connection.receiveResponse()
                try connection.send(Self.get("/echo/b"))
                return (first, try connection.receiveResponse())
            }
            #expect(first.status == 400)
            #expect(try Answer(first.body.utf8).error?.contains("Host") == true)
            // It was no fault of the framing.
            #expect(second.body == "b")
        }
    }

    @Test(arguments: ["gzip, chunked", "chunked, chunked", "identity", "gzip"])
    func otherTransferCodingsAreNotDecoded(coding: String) async throws {
        try await RunningServer.with { server in
            let (status, rest) = try await server.connected { connection in
                try connection.send(
                    "PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \(coding)\r\n\r\n1\r\na\r\n0\r\n\r\n")
                let response = try connection.receiveResponse()
                #expect(response.head.contains("Connection: close\r\n"))
                return (response.status, try connection.receiveToEnd())
            }
            #expect([400, 501].contains(status))
            #expect(rest.isEmpty)
            #expect(try server.directory.contents().isEmpty)
        }
    }

    /// Nobody reads it; so the answer says that the connection ends.
    @Test func aGETWhoseBodyComesLater() async throws {
        try await RunningServer.with { server in
            let (response, rest) = try await server.connected { connection in
                try connection.send(Self.get("/echo/a", "1.1", ["Content-Length: 5"]))
                let response = try connection.receiveResponse()
                try connection.send("hello")
                return (response, try connection.receiveToEnd())
            }
            #expect(response.body == "a")
            #expect(response.head.contains("Connection: close\r\n"))
            #expect(rest.isEmpty)
        }
    }

    @Test(arguments: [("BREW", "/"), ("BREW", "/nothing/here"), ("PROPFIND", "/"), ("get", "/")])
    func unknownMethodsAreNotImplemented(method: String, path: String) async throws {
        try await RunningServer.with { server in
            let response = try await server.request(method, path)
            #expect(response.status == 501)
            #expect(try Answer(response.body.utf8).error != nil)
        }
    }

    @Test(arguments: ["DELETE", "PATCH", "TRACE"])
    func knownMethodsAreNotAllowed(method: String) async throws {
        try await RunningServer.with { server in
            for (path, allowed) in [
                ("/", "GET, HEAD, POST, PUT, OPTIONS"), ("/files", "GET, HEAD, OPTIONS"), ("/echo", "POST, OPTIONS"),
                ("/x", "PUT, OPTIONS"),
            ] {
                let response = try await server.request(method, path)
                #expect(response.status == 405)
                #expect(response.head.contains("Allow: \(allowed)\r\n"))
            }
        }
    }

    @Test func headAndOptionsAreRightEverywhere() async throws {
        try await RunningServer.with { server in
            try server.directory.write([1, 2, 3], to: "f")
            for path in [
                "/", "/files", "/files/f", "/files/none", "/echo/x", "/user-agent", "/count/3", "/health", "/x",
                "/echo",
                "/upload/x",
            ] {
                let answers = try await server.downloads([
                    ("GET", path + (path == "/count/3" ? "?interval=0" : ""), ["User-Agent: a"]),
                    ("HEAD", path, ["User-Agent: a"]), ("OPTIONS", path, []), ("GET", "/echo/next", []),
                ])
                #expect(answers[1].status == answers[0].status)
                var (get, head) = (answers[0].fields, answers[1].fields)
                (get["date"], head["date"], get["transfer-encoding"]) = (nil, nil, nil)
                #expect(head == get, "\(path)")
                #expect(answers[2].status == 204)
                #expect(answers[2].fields["allow"]?.contains("OPTIONS") == true)
                #expect(answers[2].fields["content-length"] == nil)
                #expect(answers[3].content == Array("next".utf8), "nothing but the heads was sent")
            }
            let server = try await server.request("OPTIONS", "*")
            #expect(server.status == 204)
            #expect(server.head.contains("Allow: GET, HEAD, POST, PUT, OPTIONS\r\n"))
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        try await RunningServer.with { server in
            let count = 200
            let bodies = try await server.connected { connection in
                // The slowest first; one in the middle is refused.
                var text = Self.get("/count/3?interval=0.05")
                for number in 0..<count { text += Self.get(number == 100 ? "/nothing/here" : "/echo/\(number)") }
                try connection.send(text)
                #expect(try Download(connection).content == Array("1\n2\n3\n".utf8))
                return try (0..<count).map { _ in try connection.receiveResponse() }
            }
            for (number, body) in bodies.enumerated() {
                if number == 100 { #expect(body.status == 404) } else { #expect(body.body == "\(number)") }
            }
        }
    }

    @Test(arguments: ["GET / HTTP/1.1\r\nHost\r\n\r\n", "NONSENSE\r\n\r\n", "\u{16}\u{3}\u{1}", "GET / HTTP/1.1\n\n"])
    func whatIsNoHTTPBehindPipelinedRequestsIsAnsweredInItsTurn(nonsense: String) async throws {
        try await RunningServer.with { server in
            let (bodies, last, rest) = try await server.connected { connection in
                try connection.send(Self.get("/count/2?interval=0.1") + Self.get("/echo/a") + nonsense)
                #expect(try Download(connection).content == Array("1\n2\n".utf8))
                return (
                    try connection.receiveResponse().body, try connection.receiveResponse(),
                    try connection.receiveToEnd()
                )
            }
            #expect(bodies == "a")
            #expect(last.status == 400)
            #expect(last.head.contains("Connection: close\r\n"))
            #expect(rest.isEmpty)
        }
    }

    @Test(arguments: ["GET /echo/a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n"])
    func anUpgradeIsDeclined(request: String) async throws {
        try await RunningServer.with { server in
            let (response, rest) = try await server.connected { connection in
                try connection.send(request)
                return (try connection.receiveResponse(), try connection.receiveToEnd())
            }
            #expect(response.status == 200)
            #expect(response.body == "a")
            #expect(response.head.contains("Connection: close\r\n"))
            #expect(rest.isEmpty)
        }
    }

    /// What comes behind it would be kept in memory, by a decoder that waits for another one to take its place.
    @Test(arguments: ["Connection: Upgrade", "Proxy-Connection: upgrade"])
    func nothingIsReadBehindAnUpgrade(field: String) async throws {
        try await RunningServer.with { server in
            let sent = try await server.connected { connection in
                connection.setSendDeadline(.milliseconds(500))
                try connection.send(
                    "GET /count/100?interval=1 HTTP/1.1\r\nHost: x\r\n\(field)\r\nUpgrade: x\r\n\r\n")
                var sent = 0
                while sent < 1 << 30, (try? connection.send([UInt8](repeating: 0, count: 1 << 18))) != nil {
                    sent += 1 << 18
                }
                return sent
            }
            #expect(sent < 64 << 20)
        }
    }

    @Test func anIdleConnectionIsClosedAndABusyOneIsNot() async throws {
        try await RunningServer.with(configure: { $0.connections.idle = .milliseconds(1500) }) { server in
            let clock = ContinuousClock()
            try await server.connected { connection in
                // Longer than the limit, twice.
                for _ in 0..<2 {
                    try connection.send(Self.get("/count/3?interval=1"))
                    #expect(try Download(connection).content == Array("1\n2\n3\n".utf8))
                }
                let start = clock.now
                #expect(try connection.receiveToEnd().isEmpty)
                #expect(clock.now - start > .milliseconds(700))
            }
            // A head that never comes to its end is no request.
            try await server.connected { connection in
                for byte in Self.get("/").utf8.prefix(30) {
                    guard (try? connection.send([byte])) != nil else { break }
                    usleep(100_000)
                }
                #expect(connection.isClosedByPeer())
            }
        }
    }
}
