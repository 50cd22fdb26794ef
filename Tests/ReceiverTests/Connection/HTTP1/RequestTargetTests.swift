import NIOHTTP1
import TestSupport
import Testing

@testable import Receiver

@Suite("Request targets", .timeLimit(.minutes(3)))
struct RequestTargetTests {
    @Test(
        "a URL is split into authority and path",
        arguments: [
            ("http://x/a?b", "x", "/a?b"), ("HTTPS://X:1/", "X:1", "/"), ("http://x", "x", "/"),
            ("http://x?a", "x", "/?a"), ("http://[::1]:3000//a", "[::1]:3000", "//a"), ("http://u@x/", "u@x", "/"),
            ("http://x/http://y/", "x", "/http://y/"), ("http://x#y", "x#y", "/"), ("http://x:y:z/", "x:y:z", "/"),
        ])
    func splitting(uri: String, authority: String, path: String) {
        #expect(RequestTarget(uri, method: .GET) == .absolute(authority: authority, path: path))
    }

    @Test(
        "other targets are paths or invalid",
        arguments: [
            ("/a", true), ("*", true), ("/http://x/", true), ("//x/y", true), ("/\u{301}", true),
            ("", false), ("x", false), ("x:80", false), ("ftp://x/", false), ("http:/x", false), ("http:///x", false),
            ("http://", false), ("http://?x", false), ("http//x:", false), ("urn:/files", false), ("**", false),
        ])
    func otherForms(uri: String, isPlain: Bool) {
        #expect(RequestTarget(uri, method: .GET) == (isPlain ? .plain : .invalid))
        #expect(RequestTarget(uri, method: .CONNECT) == .plain)
    }

    @Test("without a path, OPTIONS asks about the server") func options() {
        #expect(RequestTarget("http://x", method: .OPTIONS) == .absolute(authority: "x", path: "*"))
        #expect(RequestTarget("http://x/", method: .OPTIONS) == .absolute(authority: "x", path: "/"))
    }

    /// A server on the loopback interface accepts only local names, so that the status tells which host it has judged.
    @Test(
        "the host of the target counts, not the Host field",
        arguments: [
            ("GET http://localhost:3000/echo/a HTTP/1.1", ["Host: evil.example"], 200),
            ("GET http://evil.example/echo/a HTTP/1.1", ["Host: localhost"], 421),
            ("GET http://127.0.0.1/echo/a HTTP/1.1", ["Host: "], 200),
            ("GET HTTPS://localhost/echo/a HTTP/1.1", ["Host: localhost"], 200),
            ("GET http://me@localhost/echo/a HTTP/1.1", ["Host: localhost"], 400),
            ("GET ftp://evil.example/echo/a HTTP/1.1", ["Host: localhost"], 400),
            ("GET http:/echo/a HTTP/1.1", ["Host: localhost"], 400),
            // A missing Host field and several are invalid all the same (RFC 9112 §3.2).
            ("GET http://localhost/echo/a HTTP/1.1", [], 400),
            ("GET http://localhost/echo/a HTTP/1.1", ["Host: localhost", "Host: localhost"], 400),
            ("GET http://localhost/echo/a HTTP/1.0", [], 200), ("GET http://evil.example/echo/a HTTP/1.0", [], 421),
            ("GET http://evil.example/echo/a HTTP/1.0", ["Host: localhost"], 421),
            ("OPTIONS http://localhost HTTP/1.1", ["Host: x"], 204),
        ])
    func hosts(line: String, fields: [String], status: Int) async throws {
        try await RunningServer.with { server in
            let head = ([line] + fields + ["Connection: close"]).joined(separator: "\r\n")
            let response = try await server.response(to: head + "\r\n\r\n")
            #expect(response.status == status, "\(response.body)")
            if status == 200 { #expect(response.body == "a") }
        }
    }

    @Test("an origin is compared with the host of the target") func origins() async throws {
        try await RunningServer.with { server in
            for (target, host, status) in [("localhost", "other", 201), ("other", "localhost", 403)] {
                let response = try await server.response(
                    to: """
                        PUT http://\(target)/x HTTP/1.1\r\nHost: \(host)\r\nOrigin: http://localhost\r\n\
                        Content-Length: 1\r\n\r\n1
                        """)
                #expect(response.status == status)
            }
            #expect(try server.directory.contents() == ["x"])
        }
    }
}
