import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Invalid requests", .timeLimit(.minutes(2)))
struct BadInputTests {
    struct Row: CustomTestStringConvertible {
        let name: String
        let status: Int
        var type: String? = "multipart/form-data; boundary=B"
        var method = "POST"
        var path = "/"
        var fields: [String] = []
        var body = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nabc\r\n--B--\r\n"
        var expectedField: String?

        var testDescription: String { name }
    }

    private static let file = "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\nabc\r\n"

    private static let field = "--B\r\nContent-Disposition: form-data; name=f\r\n\r\n\r\n"

    static let rows = [
        Row(name: "no type", status: 415, type: nil, expectedField: "accept: multipart/form-data"),
        Row(name: "another type", status: 415, type: "application/json"),
        Row(name: "another multipart", status: 415, type: "multipart/mixed; boundary=B"),
        Row(name: "no boundary", status: 400, type: "multipart/form-data"),
        Row(name: "empty boundary", status: 400, type: "multipart/form-data; boundary=\"\""),
        Row(name: "invalid boundary", status: 400, type: "multipart/form-data; boundary=\"a\\\"b\""),
        Row(
            name: "long boundary", status: 400,
            type: "multipart/form-data; boundary=" + String(repeating: "b", count: 71)),
        Row(name: "another boundary", status: 400, type: "multipart/form-data; boundary=C"),
        Row(name: "not gzip", status: 400, fields: ["Content-Encoding: gzip"]),
        Row(
            name: "another coding", status: 415, fields: ["Content-Encoding: br"],
            expectedField: "accept-encoding: gzip, deflate"),
        Row(
            name: "two codings", status: 415, fields: ["Content-Encoding: gzip", "Content-Encoding: deflate"],
            expectedField: "accept-encoding: gzip, deflate"),
        Row(name: "wrong path", status: 404, path: "/nothing/here"),
        Row(name: "wrong method", status: 405, method: "DELETE", expectedField: "allow: get, head, post, put, options"),
        Row(name: "a file without a name", status: 400, method: "PUT"),
        Row(name: "a file with an empty name", status: 400, method: "PUT", fields: ["x-filename: "]),
        Row(
            name: "a part of a file", status: 400, method: "PUT", path: "/x",
            fields: ["Content-Range: bytes 0-9/100"]),
        Row(
            name: "an empty body that is coded", status: 400, type: nil, method: "PUT", path: "/x",
            fields: ["Content-Encoding: gzip"], body: ""),
        Row(
            name: "a file of another coding", status: 415, type: nil, method: "PUT", path: "/x",
            fields: ["Content-Encoding: zstd"], expectedField: "accept-encoding: gzip, deflate"),
        Row(
            name: "a file to a path that accepts none", status: 405, method: "PUT", path: "/upload",
            expectedField: "allow: post, options"),
        Row(name: "empty body", status: 400, body: ""),
        Row(name: "no closing delimiter", status: 400, body: file),
        Row(name: "cut in a part", status: 400, body: file + "--B\r\nContent-Disposition: form-data; name=g\r\n\r\nab"),
        Row(name: "cut in a header", status: 400, body: file + "--B\r\nContent-Disposi"),
        Row(name: "half a closing delimiter", status: 400, body: file + "--B-"),
        Row(
            name: "no Content-Disposition", status: 400,
            body: file + "--B\r\nContent-Type: text/plain\r\n\r\nx\r\n--B--\r\n"),
        Row(
            name: "Content-Disposition without name", status: 400,
            body: file + "--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n--B--\r\n"),
        Row(name: "malformed header line", status: 400, body: file + "--B\r\nnonsense\r\n\r\nx\r\n--B--\r\n"),
        Row(
            name: "NUL in a header line", status: 400,
            body: file + "--B\r\nContent-Disposition: form-data; name=\"\0\"\r\n\r\nx\r\n--B--\r\n"),
        Row(name: "malformed delimiter", status: 400, body: file + "--B  x\r\n"),
        Row(
            name: "large header", status: 413,
            body: file + "--B\r\nX: " + String(repeating: "x", count: 20_000) + "\r\n\r\n\r\n--B--\r\n"
        ),
        Row(
            name: "many header lines", status: 413,
            body: file + "--B\r\n" + String(repeating: "X: y\r\n", count: 100) + "\r\n\r\n--B--\r\n"
        ),
        Row(
            name: "large preamble", status: 400,
            body: String(repeating: "p", count: 10_000) + "\r\n" + file + "--B--\r\n"),
        Row(name: "large epilogue", status: 400, body: file + "--B--\r\n" + String(repeating: "e", count: 10_000)),
        Row(name: "too many parts", status: 413, body: String(repeating: field, count: 10_001) + "--B--\r\n"),
        Row(
            name: "too long names", status: 413,
            body: String(
                repeating:
                    "--B\r\nContent-Disposition: form-data; name=\"\(String(repeating: "n", count: 16_000))\"\r\n\r\n\r\n",
                count: 270
            ) + "--B--\r\n"
        ),
    ]

    @Test("an invalid upload gets an error in one line of JSON and leaves no file", arguments: rows)
    func invalidUploads(row: Row) async throws {
        try await RunningServer.with { server in
            for chunked in [false, true] {
                let body = Array(row.body.utf8)
                let type = row.type.map { ["Content-Type: \($0)"] } ?? []
                let response = try await server.request(
                    row.method, row.path, fields: type + row.fields, body: body, chunked: chunked)
                #expect(response.status == row.status, "\(response.body)")
                #expect(response.head.lowercased().contains("content-type: application/json\r\n"))
                if let field = row.expectedField { #expect(response.head.lowercased().contains(field + "\r\n")) }
                #expect(response.body.hasSuffix("}\n") && response.body.dropLast().utf8.firstIndex(of: 10) == nil)
                #expect(try Answer(response.body.utf8).error?.isEmpty == false)
                #expect(try await server.contentsWhenSettled().isEmpty)
            }
            #expect(try await server.isAlive())
        }
    }

    @Test(
        "input that is not HTTP gets an error in JSON",
        arguments: [
            ("NONSENSE\r\n\r\n", 400), ("\u{16}\u{3}\u{1}\r\n\r\n", 400), ("POST / HTTP/9.9\r\n\r\n", 505),
            ("GET / HTTP/1.1\nHost: x\n\n", 400), ("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), ("GET / HTTP/1.1\r\nHost\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nX: \(String(repeating: "y", count: 100_000))\r\n\r\n", 431),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ]
            + [
                "+5", "-0", "5, 5", "5\r\nContent-Length: 5", "5\r\nContent-Length: 6", "0x5", "5 5", "", "5;",
                "99999999999999999999",
            ]
            .map { ("PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: \($0)\r\n\r\n", 400) })
    func invalidHTTP(request: String, status: Int) async throws {
        try await RunningServer.with { server in
            let (response, rest) = try await server.lastResponse(to: request)
            #expect(response.status == status)
            #expect(response.head.lowercased().contains("connection: close\r\n"))
            #expect(try Answer(response.body.utf8).error != nil)
            #expect(rest.isEmpty)
            #expect(try await server.isAlive())
        }
    }

    @Test("a body shorter than its Content-Length gets 400 and leaves no file") func shortBody() async throws {
        // Even if the multipart message is complete.
        for close in ["--B--\r\n", ""] {
            try await RunningServer.with { server in
                let body = RunningServer.document([("x", Array("abc".utf8))], close: close)
                let (response, rest) = try await server.lastResponse(
                    to: RunningServer.head(length: body.count + 10), body, finishes: true)
                #expect(response.status == 400)
                #expect(try Answer(response.body.utf8).error != nil)
                #expect(rest.isEmpty)
                #expect(try await server.contentsWhenSettled().isEmpty)
                #expect(try await server.isAlive())
            }
        }
    }

    @Test("a chunked body without its end gets 400 and leaves no file") func incompleteChunks() async throws {
        for tail in ["", "0\r\n", "zz\r\n"] {
            try await RunningServer.with { server in
                let body = RunningServer.document([("x", Array("abc".utf8))])
                let response = try await server.response(
                    to: RunningServer.head(length: nil),
                    chunk(body) + tail.utf8, finishes: true)
                #expect(response.status == 400, "\(tail)")
                #expect(try await server.contentsWhenSettled().isEmpty)
                #expect(try await server.isAlive())
            }
        }
    }

    @Test(
        "a connection that is lost within a part leaves no file", arguments: [TemporaryFile.Kind.unnamed, .hidden],
        [false, true])
    func lostConnection(kind: TemporaryFile.Kind, reset: Bool) async throws {
        try await RunningServer.with(storage: { try DirectoryStorage(path: $0.path, kind: kind) }) { server in
            try await server.connected { connection in
                try connection.send(RunningServer.head(length: 100_000_000))
                try connection.send(RunningServer.document([("x", [1]), ("y", [2])], close: ""))
                try connection.send([UInt8](repeating: 0, count: 3_000_000))
                usleep(100_000)
                if reset { connection.reset() } else { connection.close() }
            }
            #expect(try await server.contentsWhenSettled().isEmpty)
            #expect(try await server.isAlive())
        }
    }
}
