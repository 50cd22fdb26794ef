import ContentCoding
import Crypto
import Foundation
import Platform
import TestSupport
import Testing

@testable import Receiver

@Suite("PUT of files", .timeLimit(.minutes(2)))
struct PutTests {
    @Test(
        "every byte arrives, in each coding, with a length or in chunks", arguments: [nil, Coding.gzip, .deflate],
        [false, true])
    func everyByte(coding: Coding?, chunked: Bool) async throws {
        try await RunningServer.with { server in
            for (name, bytes) in Samples.all {
                let response = try await server.request(
                    "PUT", "/\(name)", fields: coding.map { ["Content-Encoding: \($0.token)"] } ?? [],
                    body: try coding.map { try Samples.encoded(bytes, $0) } ?? bytes, chunked: chunked
                )
                #expect(response.status == 201, "\(response.body)")
                #expect(try Array(server.directory.read(name)) == bytes)
            }
        }
    }

    @Test("the response is a report and a Location") func report() async throws {
        try await RunningServer.with { server in
            let digest = SHA256.hash(data: Data("hello".utf8)).hexadecimal
            for (number, method) in ["PUT", "POST"].enumerated() {
                let response = try await server.request(
                    method, "/files/some%20n%C3%A4me.tar.gz",
                    fields: ["Content-Type: application/gzip", "Want-Repr-Digest: sha-256=1"], body: Array("hello".utf8)
                )
                #expect(response.status == 201)
                let saved = number == 0 ? "some näme.tar.gz" : "some näme (1).tar.gz"
                #expect(
                    response.body
                        == #"{"bytes":5,"parts":[{"content_type":"application/gzip","filename":"some näme.tar.gz","name":"file","saved_as":"\#(saved)","sha256":"\#(digest)","size":5}]}"#
                        + "\n"
                )
                let location = number == 0 ? "some%20n%C3%A4me.tar.gz" : "some%20n%C3%A4me%20%281%29.tar.gz"
                #expect(response.head.contains("Location: /files/\(location)\r\n"))
                #expect(try server.directory.read(saved) == Data("hello".utf8))
            }
        }
    }

    @Test(
        "conditions refer to the name under which the file would be stored (RFC 9110 §13.1)",
        arguments: [
            (["If-None-Match: *"], 412, 201), (["If-Match: *"], 201, 412), (["If-Match: TAG"], 201, 412),
            (["If-Match: \"other\""], 412, 412), (["If-Match: W/TAG"], 412, 412), (["If-None-Match: TAG"], 412, 201),
            (["If-None-Match: W/TAG"], 412, 201), (["If-None-Match: \"other\""], 201, 201),
            (["If-Unmodified-Since: Sat, 29 Oct 1994 19:43:31 GMT"], 412, 201),
            (["If-Unmodified-Since: Sat, 29 Oct 2101 19:43:31 GMT"], 201, 201),
            (["If-Modified-Since: Sat, 29 Oct 2101 19:43:31 GMT"], 201, 201),
            (["If-Match: TAG", "If-None-Match: TAG"], 412, 412),
        ])
    func conditions(fields: [String], there: Int, notThere: Int) async throws {
        try await RunningServer.with { server in
            try server.directory.write([1, 2, 3], to: "there")
            let tag = try #require(try await server.get("/files/there").fields["etag"])
            let fields = fields.map { $0.replacing("TAG", with: tag) }
            #expect(try await server.request("POST", "/files/there", fields: fields, body: [9]).status == there)
            let named = try await server.request("PUT", "/", fields: fields + ["x-filename: a/there"], body: [9])
            #expect(named.status == there)
            #expect(try await server.request("PUT", "/not", fields: fields, body: [9]).status == notThere)
            #expect(try server.directory.contents().count == (there == 201 ? 3 : 1) + (notThere == 201 ? 1 : 0))
            #expect(try server.directory.read("there") == Data([1, 2, 3]))
            let put = try await server.request("PUT", "/there", fields: fields, body: [9])
            #expect(put.status == (there == 201 ? 200 : 412))
            #expect(try server.directory.read("there") == Data(there == 201 ? [9] : [1, 2, 3]))
        }
    }

    @Test(
        "any name is stored within the directory",
        arguments: [
            ("/hello", "README.md", "README.md"), ("/", "a%2Fb%00.txt", "b.txt"), ("/x", "", "x"),
            ("/..%2f..%2fetc%2fpasswd", nil, "passwd"), ("/%2e%2e", nil, "unnamed"), ("/a%00b", nil, "ab"),
            ("/C%3A%5Cx.txt", nil, "x.txt"), ("/.http-streaming-x", nil, "_.http-streaming-x"), ("/x?y=/z", nil, "x"),
            ("/" + String(repeating: "n", count: 300), nil, String(repeating: "n", count: 255)),
        ] as [(String, String?, String)])
    func names(path: String, field: String?, expected: String) async throws {
        try await RunningServer.with { server in
            let fields = field.map { ["x-filename: \($0)"] } ?? []
            let response = try await server.request("PUT", path, fields: fields, body: [1])
            #expect(response.status == 201, "\(response.body)")
            #expect(try server.directory.contents() == [expected])
        }
    }

    @Test(
        "a file whose name begins with a dot is stored under a name that is listed and sent", arguments: ["", "/files"])
    func hiddenNames(folder: String) async throws {
        try await RunningServer.with { server in
            for (number, saved) in ["_.env", "_.env (1)"].enumerated() {
                let (method, folder) = number == 0 ? ("PUT", folder) : ("POST", "/files")
                let response = try await server.request(method, "\(folder)/.env", body: [UInt8(number)])
                #expect(response.status == 201)
                #expect(try Answer(response.body.utf8).parts?.first?.savedAs == saved)
                let location = number == 0 ? "/files/_.env" : "/files/_.env%20%281%29"
                #expect(response.head.contains("Location: \(location)\r\n"))
                #expect(try await server.get(location).content == [UInt8(number)])
            }
            #expect(try server.directory.contents() == ["_.env", "_.env (1)"])
            #expect(String(decoding: try await server.get("/files").content, as: UTF8.self).contains("\"_.env\""))
            let refused = try await server.request("PUT", "\(folder)/.env", fields: ["If-None-Match: *"], body: [9])
            #expect(refused.status == 412)
            #expect(try await server.get("/files/.env").status == 404)
        }
    }

    @Test(
        "a form is not stored as a file",
        arguments: [
            ("PUT", "/a.jpg", ""), ("PUT", "/files/a.jpg", ""), ("POST", "/files/a.jpg", ""), ("PUT", "/", "a.jpg"),
        ])
    func forms(method: String, path: String, field: String) async throws {
        try await RunningServer.with { server in
            let form = RunningServer.document([("a.jpg", [1])])
            for (type, status) in [("multipart/form-data; boundary=B", 415), ("multipart/related; boundary=B", 201)] {
                let response = try await server.request(
                    method, path, fields: ["Content-Type: \(type)", "x-filename: \(field)"], body: form)
                #expect(response.status == status)
                if status == 415 { #expect(try Answer(response.body.utf8).error?.contains("POST it to /") == true) }
                #expect(try server.directory.contents() == (status == 415 ? [] : ["a.jpg"]))
            }
        }
    }

    @Test("a body that is cut off leaves no file") func cutOff() async throws {
        for framing in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
            try await RunningServer.with { server in
                let response = try await server.response(
                    to: "PUT /x HTTP/1.1\r\nHost: x\r\n\(framing)\r\n\r\n", chunk([UInt8](repeating: 7, count: 0x100)),
                    finishes: true)
                #expect(response.status == 400)
                #expect(try await server.contentsWhenSettled().isEmpty)
                #expect(try await server.isAlive())
            }
        }
    }

    @Test("an accepted file gets a 100, a refused one does not") func continues() async throws {
        try await RunningServer.with { server in
            let fields = "Host: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n"
            let statuses = try await server.connected { connection in
                let interim = try connection.ask("PUT /x HTTP/1.1\r\n\(fields)\r\n")
                return [interim.status, try connection.ask("abc").status]
            }
            #expect(statuses == [100, 201])
            for (path, field) in [("/", "X: y"), ("/x", "Content-Encoding: br"), ("/x", "Content-Range: bytes 0-1/9")] {
                let response = try await server.response(to: "PUT \(path) HTTP/1.1\r\n\(fields)\(field)\r\n\r\n")
                #expect(response.status == (field.hasSuffix("br") ? 415 : 400))
            }
            #expect(try server.directory.contents() == ["x"])
        }
    }
}
