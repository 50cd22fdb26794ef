import Foundation
import HTTPTypes
import TestSupport
import Testing

@testable import Receiver

@Suite("Access", .timeLimit(.minutes(2)))
struct AccessTests {
    private static let token = "s3cret-token"
    private static let body = RunningServer.document([("x", [1])])

    private func withToken(_ body: (RunningServer) async throws -> Void) async throws {
        try await RunningServer.with(configure: { $0.access.token = Self.token }, body)
    }

    @Test(
        "writing requires the token",
        arguments: [
            ([], 401), (["Authorization: Bearer s3cret-token"], 201), (["authorization: bearer  s3cret-token"], 201),
            (["Authorization: Bearer s3cret"], 401), (["Authorization: Bearer s3cret-token2"], 401),
            (["Authorization: Basic s3cret-token"], 401), (["Authorization: Bearer"], 401), (["Authorization: "], 401),
        ] as [([String], Int)])
    func writing(fields: [String], status: Int) async throws {
        try await withToken { server in
            for (method, path) in [
                ("POST", "/"), ("POST", "/upload/x"), ("PUT", "/a"), ("POST", "/files/b"), ("PUT", "/files/c"),
            ] {
                let isForm = path == "/" || path.hasPrefix("/upload")
                let response = try await server.request(
                    method, path, fields: (isForm ? ["Content-Type: multipart/form-data; boundary=B"] : []) + fields,
                    body: Self.body)
                #expect(response.status == status, "\(method) \(path)")
                #expect(response.head.contains("WWW-Authenticate: Bearer realm=") == (status == 401))
                let isInvalid = status == 401 && fields.first?.contains("Bearer s") == true
                #expect(response.head.contains("error=\"invalid_token\"") == isInvalid)
                #expect(!response.head.contains("s3cret") && !response.body.contains("s3cret"))
            }
            if status == 401 { #expect(try server.directory.contents().isEmpty) }
        }
    }

    @Test("reading requires no token, and the page asks for it") func reading() async throws {
        try await withToken { server in
            try server.directory.write([1], to: "f")
            for path in ["/", "/files", "/files/f", "/echo/x", "/health", "/metrics"] {
                #expect(try await server.get(path).status == 200)
            }
            let page = String(decoding: try await server.get("/").content, as: UTF8.self)
            #expect(page.contains("data-authorization=\"required\""))
        }
    }

    @Test("a refused upload gets no 100, and a body without length is refused at its limit")
    func noContinue() async throws {
        try await withToken { server in
            let (response, rest) = try await server.lastResponse(
                to: RunningServer.head(length: 1 << 40, fields: ["Expect: 100-continue"]))
            #expect(response.status == 401)
            #expect(rest.isEmpty)
        }
        try await RunningServer.with(configure: { $0.maximumBodySize = 1000 }) { server in
            let refused = try await server.response(
                to: RunningServer.head(length: 1001, fields: ["Expect: 100-continue"]))
            #expect(refused.status == 413)
            // Without a length, the body is refused as soon as it is too long.
            let response = try await server.request(
                "PUT", "/x", body: [UInt8](repeating: 1, count: 1001), chunked: true)
            #expect(response.status == 413)
            let stored = try await server.request(
                "PUT", "/y", body: [UInt8](repeating: 1, count: 1000), chunked: true)
            #expect(stored.status == 201)
            #expect(try server.directory.contents() == ["y"])
        }
    }

    @Test(
        "pages of other origins cannot write",
        arguments: [
            ("http://localhost:3000", "localhost:3000", 201), ("https://LOCALHOST", "localhost", 201),
            ("http://127.0.0.1:80", "127.0.0.1:80", 201), ("http://[::1]:3000", "[::1]:3000", 201),
            ("http://evil.example", "localhost", 403), ("null", "localhost", 403),
            ("http://localhost:8080", "localhost:3000", 403), ("http://localhost.evil.example", "localhost", 403),
            ("null", "", 403), ("http://evil.example:3000", "evil.example:3000", 421),
        ])
    func otherOrigins(origin: String, host: String, status: Int) async throws {
        try await RunningServer.with { server in
            let response = try await server.response(
                to: """
                    POST / HTTP/1.1\r\nHost: \(host)\r\nOrigin: \(origin)\r\nContent-Length: \(Self.body.count)\r\n\
                    Content-Type: multipart/form-data; boundary=B\r\n\r\n
                    """, Self.body)
            #expect(response.status == status)
            #expect(try server.directory.contents() == (status == 201 ? ["x"] : []))
            #expect(!response.head.contains("Access-Control"))
        }
    }

    @Test(
        "on the loopback interface only names of this machine and of allowed origins are accepted",
        arguments: [
            ("evil.example", 421), ("evil.example:3000", 421), ("127.evil.example", 421),
            ("localhost.evil.example", 421), ("localhost.evil.example.", 421), ("0x7f.evil", 421), ("1.0xg", 421),
            ("localhost.", 200), ("localhost.:3000", 200), ("127.1", 200), ("0x7f.1:3000", 200), ("127.0.0.1.", 200),
            ("EVIL.EXAMPLE", 421), ("evil.example.", 421), ("[evil.example", 421), ("1.2.3.4.example:80", 421),
            ("localhost", 200), ("LOCALHOST:3000", 200), ("127.0.0.1:3000", 200), ("10.0.0.1", 200),
            ("[::1]:3000", 200),
            ("box", 200), ("a.localhost:1", 200), ("files.example", 200), ("FILES.example:8443", 200),
        ])
    func ownNames(host: String, status: Int) async throws {
        let request = "GET /files HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
        for (isLoopback, expected) in [(true, status), (false, 200)] {
            try await RunningServer.with(configure: {
                $0.access.origins = ["https://files.example"]
                if !isLoopback { $0.host = "0.0.0.0" }
            }) { server in
                let answer = try await server.response(to: request)
                #expect(answer.status == expected, "\(host) \(isLoopback)")
            }
        }
    }

    @Test("pages of other origins can embed no response (Cross-Origin-Resource-Policy), unless --cors allows them")
    func embedding() async throws {
        let (mine, other) = ("https://app.example", "https://other.example")
        let policies = { (answer: Download) in
            [answer.fields["cross-origin-resource-policy"], answer.fields["x-content-type-options"]]
        }
        for (origins, origin, expected) in [
            ([], nil, "same-origin"), ([], other, "same-origin"), ([mine], nil, "same-origin"),
            ([mine], other, "same-origin"), ([mine], mine, "cross-origin"), (["*"], nil, "cross-origin"),
            (["*"], other, "cross-origin"),
        ] as [(Set<String>, String?, String)] {
            try await RunningServer.with(configure: { $0.access.origins = origins }) { server in
                try server.directory.write([1, 2, 3], to: "a.js")
                let fields = origin.map { ["Origin: \($0)"] } ?? []
                let tag = try #require(try await server.get("/files/a.js").fields["etag"])
                let answers = try await server.downloads(
                    [
                        ("GET", "/files/a.js", []), ("HEAD", "/files/a.js", []),
                        ("GET", "/files/a.js", ["Range: bytes=0-0"]),
                        ("GET", "/files/a.js", ["If-None-Match: \(tag)"]), ("GET", "/files", []),
                        ("GET", "/files", ["Accept: text/html"]), ("GET", "/", []), ("GET", "/echo/text", []),
                        ("GET", "/count/1", []), ("GET", "/health", []), ("GET", "/metrics", []), ("GET", "/none", []),
                        ("GET", "/files/none", []), ("OPTIONS", "/files/a.js", []),
                    ].map { ($0.0, $0.1, $0.2 + fields) })
                for answer in answers { #expect(policies(answer) == [expected, "nosniff"]) }
            }
        }
        // Nor a response to bytes that are not a request.
        try await RunningServer.with { server in
            let head = try await server.response(to: "no request\r\n\r\n").head.lowercased()
            #expect(head.contains("cross-origin-resource-policy: same-origin\r\n"))
            #expect(head.contains("x-content-type-options: nosniff\r\n"))
        }
    }

    @Test("pages of allowed origins get the CORS fields, also with errors") func allowedOrigins() async throws {
        let (mine, other) = ("https://app.example", "https://other.example")
        try await RunningServer.with(configure: {
            $0.access.origins = [mine]; $0.access.token = Self.token
        }) { server in
            let preflights = try await server.downloads(
                [mine, other].map { ("OPTIONS", "/x", ["Origin: \($0)", "Access-Control-Request-Method: PUT"]) })
            let (allowed, refused) = (preflights[0], preflights[1])
            #expect(allowed.status == 204, "a browser sends no token with a preflight")
            #expect(allowed.fields["access-control-allow-origin"] == mine)
            #expect(allowed.fields["access-control-allow-methods"] == "PUT, OPTIONS")
            #expect(allowed.fields["access-control-allow-headers"]?.contains("Authorization") == true)
            #expect(allowed.fields["access-control-allow-headers"]?.contains("X-Filename") == true)
            #expect(allowed.fields["access-control-max-age"] == "600")
            #expect(allowed.fields["vary"]?.contains("Origin") == true)
            #expect(refused.fields["access-control-allow-origin"] == nil)
            #expect(refused.fields["vary"]?.contains("Origin") == true)
            // Errors need the fields too, or a page could not read them.
            let response = try await server.post(Self.body, fields: ["Origin: \(mine)"])
            #expect(response.status == 401)
            #expect(response.head.contains("Access-Control-Allow-Origin: \(mine)\r\n"))
            #expect(response.head.contains("Access-Control-Expose-Headers: "))
            let stored = try await server.post(
                Self.body, fields: ["Origin: \(mine)", "Authorization: Bearer \(Self.token)"])
            #expect(stored.status == 201)
            #expect(try await server.post(Self.body, fields: ["Origin: \(other)"]).status == 403)
            let list = try await server.get("/files", ["Origin: \(mine)"])
            #expect(list.fields["access-control-allow-origin"] == mine)
        }
        try await RunningServer.with(configure: { $0.access.origins = ["*"] }) { server in
            let response = try await server.post(Self.body, fields: ["Origin: \(other)"])
            #expect(response.status == 201)
            #expect(response.head.contains("Access-Control-Allow-Origin: *\r\n"))
        }
    }
}
