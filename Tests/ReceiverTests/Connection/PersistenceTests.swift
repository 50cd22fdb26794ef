import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Persistence of HTTP/1 connections (RFC 9112 §9)", .timeLimit(.minutes(2)))
struct PersistenceTests {
    private static func get(_ path: String, _ version: String = "1.1", _ fields: [String] = []) -> String {
        (["GET \(path) HTTP/\(version)", "Host: x"] + fields).joined(separator: "\r\n") + "\r\n\r\n"
    }

    /// Sends a request, and a second one if the connection persists.
    ///
    /// - Returns: the first response, and the content of the second.
    private func twice(
        _ version: String, _ fields: [String], path: String = "/echo/"
    ) async throws -> (head: String, body: String, second: String?) {
        try await RunningServer.with { server in
            try await server.connected { connection in
                let first = try connection.ask(Self.get(path + "first", version, fields))
                guard !first.head.lowercased().contains("connection: close\r\n") else {
                    #expect(try connection.receiveToEnd().isEmpty, "the connection is closed with the response")
                    return (first.head, first.body, nil)
                }
                return (first.head, first.body, try connection.ask(Self.get(path + "second", version, fields)).body)
            }
        }
    }

    @Test(
        "HTTP/1.1 persists unless `close` is given, HTTP/1.0 only with `keep-alive`",
        arguments: [
            ("1.1", [], true), ("1.1", ["Connection: close"], false), ("1.1", ["Connection: x, Close"], false),
            ("1.1", ["Connection: keep-alive"], true), ("1.0", [], false), ("1.0", ["Connection: Keep-Alive"], true),
            ("1.0", ["Connection: close"], false),
        ])
    func versions(version: String, fields: [String], isKept: Bool) async throws {
        let (head, body, second) = try await twice(version, fields)
        #expect(head.hasPrefix("HTTP/1.1 200 "))
        #expect(body == "first")
        #expect(second == (isKept ? "second" : nil))
        // HTTP/1.0 needs to be told that the connection persists.
        #expect(head.contains("Connection: keep-alive\r\n") == (version == "1.0" && isKept))
    }

    @Test("HTTP/1.0 gets content of unknown length without chunks, up to the end of the connection")
    func http10WithoutChunks() async throws {
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

    @Test("HTTP/1.0 needs no Host and gets no 100") func http10WithoutHost() async throws {
        try await RunningServer.with { server in
            let response = try await server.response(
                to: "PUT /x HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc")
            #expect(response.status == 201)
            #expect(try server.directory.read("x") == Data("abc".utf8))
        }
    }

    @Test(
        "HTTP/1.1 without exactly one valid Host gets 400, and the connection persists",
        arguments: [[], ["Host: x", "Host: x"], ["Host: a b"], ["Host: x/y"]])
    func oneHost(hosts: [String]) async throws {
        try await RunningServer.with { server in
            let (first, second) = try await server.connected { connection in
                let head = (["GET /echo/a HTTP/1.1"] + hosts).joined(separator: "\r\n") + "\r\n\r\n"
                return (try connection.ask(head), try connection.ask(Self.get("/echo/b")))
            }
            #expect(first.status == 400)
            #expect(try Answer(first.body.utf8).error?.contains("Host") == true)
            // The framing was valid, so the connection persists.
            #expect(second.body == "b")
        }
    }

    @Test(
        "transfer codings other than chunked are refused",
        arguments: ["gzip, chunked", "chunked, chunked", "identity", "gzip"])
    func transferCodings(coding: String) async throws {
        try await RunningServer.with { server in
            let (response, rest) = try await server.lastResponse(
                to: "PUT /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \(coding)\r\n\r\n1\r\na\r\n0\r\n\r\n")
            #expect(response.head.contains("Connection: close\r\n"))
            #expect([400, 501].contains(response.status))
            #expect(rest.isEmpty)
            #expect(try server.directory.contents().isEmpty)
        }
    }

    @Test("after a GET with a body the connection is closed, and the response says so") func bodyOfGET() async throws {
        try await RunningServer.with { server in
            let (response, rest) = try await server.connected { connection in
                let response = try connection.ask(Self.get("/echo/a", "1.1", ["Content-Length: 5"]))
                try connection.send("hello")
                return (response, try connection.receiveToEnd())
            }
            #expect(response.body == "a")
            #expect(response.head.contains("Connection: close\r\n"))
            #expect(rest.isEmpty)
        }
    }

    @Test(
        "unknown methods get 501",
        arguments: [("BREW", "/"), ("BREW", "/nothing/here"), ("PROPFIND", "/"), ("get", "/")])
    func unknownMethods(method: String, path: String) async throws {
        try await RunningServer.with { server in
            let response = try await server.request(method, path)
            #expect(response.status == 501)
            #expect(try Answer(response.body.utf8).error != nil)
        }
    }

    @Test("known methods that a resource does not accept get 405 with Allow", arguments: ["DELETE", "PATCH", "TRACE"])
    func otherMethods(method: String) async throws {
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

    @Test("HEAD and OPTIONS work on every route") func headAndOptions() async throws {
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
                #expect(answers[3].content == Array("next".utf8), "only the heads were sent")
            }
            let server = try await server.request("OPTIONS", "*")
            #expect(server.status == 204)
            #expect(server.head.contains("Allow: GET, HEAD, POST, PUT, OPTIONS\r\n"))
        }
    }

    @Test("200 pipelined requests are answered in order, with an error among them") func pipelined() async throws {
        try await RunningServer.with { server in
            let count = 200
            let bodies = try await server.connected { connection in
                // The slowest comes first; one in the middle is refused.
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

    @Test(
        "input that is not HTTP gets 400 after the responses to earlier requests",
        arguments: ["GET / HTTP/1.1\r\nHost\r\n\r\n", "NONSENSE\r\n\r\n", "\u{16}\u{3}\u{1}", "GET / HTTP/1.1\n\n"])
    func nonsenseAfterRequests(nonsense: String) async throws {
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

    @Test("an upgrade is ignored, and the connection is closed after the response") func upgradeIgnored() async throws {
        try await RunningServer.with { server in
            let (response, rest) = try await server.lastResponse(
                to: Self.get("/echo/a", "1.1", ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c"]))
            #expect(response.status == 200)
            #expect(response.body == "a")
            #expect(response.head.contains("Connection: close\r\n"))
            #expect(rest.isEmpty)
        }
    }

    @Test(
        "nothing is read after a request for an upgrade, so that it cannot fill the memory",
        arguments: ["Connection: Upgrade", "Proxy-Connection: upgrade"])
    func nothingReadAfterUpgrade(field: String) async throws {
        try await RunningServer.with { server in
            let sent = try await server.zerosAccepted(
                after: Self.get("/count/100?interval=1", "1.1", [field, "Upgrade: x"]))
            #expect(sent < 64 << 20)
        }
    }

    @Test("an idle connection is closed, a busy one is not, and an incomplete head counts as idle")
    func idle() async throws {
        try await RunningServer.with(configure: { $0.connections.idle = .milliseconds(1500) }) { server in
            let clock = ContinuousClock()
            try await server.connected { connection in
                // Two responses that take longer than the limit.
                for _ in 0..<2 {
                    try connection.send(Self.get("/count/3?interval=1"))
                    #expect(try Download(connection).content == Array("1\n2\n3\n".utf8))
                }
                let start = clock.now
                #expect(try connection.receiveToEnd().isEmpty)
                #expect(clock.now - start > .milliseconds(700))
            }
            // An incomplete head does not count as activity.
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
