import Foundation
import TestSupport
import Testing

@testable import Receiver

/// Parts as other programs write them: stored as their sender meant them, or refused with a reason.
@Suite("Unusual parts", .timeLimit(.minutes(2)))
struct UnusualPartsTests {
    private static func part(_ lines: String, content: String = "content", boundary: String = "B") -> [UInt8] {
        Array("--\(boundary)\r\n\(lines)\r\n\r\n\(content)\r\n".utf8)
    }

    private static let end = Array("--B--\r\n".utf8)
    private static let plainFile = part("Content-Disposition: form-data; name=f; filename=plain.txt")

    @Test(
        "boundaries outside of RFC 2046's set are accepted",
        arguments: [("*****", "*****"), ("a%b&c#d", "a%b&c#d"), ("\"{a;b}\"", "{a;b}"), ("[~]|^`<>@$!", "[~]|^`<>@$!")])
    func boundaries(parameter: String, boundary: String) async throws {
        try await RunningServer.with { server in
            let part = Self.part(
                "Content-Disposition: form-data; name=\"uploaded_file\";filename=\"IMG_0001.jpg\"", boundary: boundary)
            let response = try await server.post(part + "--\(boundary)--\r\n".utf8, boundary: parameter)
            #expect(response.status == 201, "\(response.body)")
            #expect(try server.directory.contents() == ["IMG_0001.jpg"])
            #expect(try server.directory.read("IMG_0001.jpg") == Data("content".utf8))
        }
    }

    @Test(
        "the extended filename names the file",
        arguments: [
            (
                "filename=\"=?utf-8?B?0L7RgtGH0ZHRgi50eHQ=?=\"; filename*=utf-8''%D0%BE%D1%82%D1%87%D1%91%D1%82.txt",
                "отчёт.txt"
            ),
            ("filename=\"=?utf-8?B?w7/Dry50eHQ=?=\"; filename*=utf-8''%C3%BF%C3%AF.txt", "ÿï.txt"),
            ("filename*=iso-8859-1''%E9t%E9.txt; filename=ete.txt", "été.txt"),
            ("filename*=ISO-8859-1'fr'%E9.txt", "é.txt"),
        ])
    func extendedFilenames(parameters: String, expected: String) async throws {
        try await RunningServer.with { server in
            let part = Self.part("Content-Disposition: form-data; name=files; \(parameters)")
            let response = try await server.post(part + Self.end)
            #expect(response.status == 201, "\(response.body)")
            let report = try #require(try Answer(response.body.utf8).parts?.first)
            #expect(report.filename == expected && report.savedAs == expected)
            #expect(try server.directory.contents() == [expected])
        }
    }

    @Test("names that are not UTF-8 are read as Latin-1, in a form, a path and a field") func latin1() async throws {
        try await RunningServer.with { server in
            let disposition = Array("Content-Disposition: form-data; name=\"se".utf8) + [0xF1] + Array("al\"".utf8)
            let file = disposition + Array("; filename=\"JaimeMu".utf8) + [0xF1] + Array("oz_sm.jpg\"".utf8)
            let body = [Array("--B\r\n".utf8), file, Array("\r\n\r\nx\r\n--B\r\n".utf8), disposition]
            let field = Array("\r\n\r\nma".utf8) + [0xF1] + Array("ana\r\n".utf8)
            let response = try await server.post(Array(body.joined()) + field + Self.end)
            #expect(response.status == 201)
            let parts = try #require(try Answer(response.body.utf8).parts)
            #expect(parts.map(\.name) == ["señal", "señal"])
            #expect(parts.map(\.filename) == ["JaimeMuñoz_sm.jpg", nil])
            #expect(parts.map(\.value) == [nil, "mañana"])
            _ = try await server.request("PUT", "/a%F1o", body: [1])
            _ = try await server.request("PUT", "/", fields: ["x-filename: ni%F1o"], body: [2])
            #expect(try server.directory.contents() == ["JaimeMuñoz_sm.jpg", "año", "niño"])
            #expect(try await server.get("/files/a%F1o").content == [1])
            #expect(try await server.get("/files/ni%C3%B1o").content == [2])
        }
    }

    @Test(
        "a path, name or type of raw bytes that are not UTF-8 is refused",
        arguments: [("/a", "b", ""), ("/x", "", "x-filename: "), ("/x", "", "Content-Type: text/")])
    func rawBytes(path: String, rest: String, field: String) async throws {
        try await RunningServer.with { server in
            let parts = [
                Array("PUT \(path)".utf8), rest.isEmpty ? [] : [0xF1], Array(" HTTP/1.1\r\nHost: x\r\n".utf8),
                Array(field.utf8), field.isEmpty ? [] : [0xF1, 13, 10], Array("Content-Length: 1\r\n\r\n1".utf8),
            ]
            let request = Array(parts.joined())
            let response = try await server.connected { connection in
                try connection.send(request)
                return try connection.receiveResponse()
            }
            #expect(response.status == 400)
            #expect(try Answer(response.body.utf8).error != nil)
            #expect(try server.directory.contents().isEmpty)
        }
    }

    private static let file = "Content-Disposition: form-data; name=f; filename=x.txt\r\n"
    private static let field = "Content-Disposition: form-data; name=f\r\n"

    @Test(
        "a part whose content the server would have to decode is refused, and nothing is stored",
        arguments: [
            (file + "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding"),
            (file + "content-transfer-encoding:\tQuoted-Printable ", "Content-Transfer-Encoding"),
            (
                file + "Content-Transfer-Encoding: binary\r\nContent-Transfer-Encoding: x-uuencode",
                "Content-Transfer-Encoding"
            ),
            (field + "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding"),
            (file + "Content-Encoding: gzip", "Content-Encoding"),
            (field + "Content-Type: multipart/mixed; boundary=inner", "parts of its own"),
            (field + "Content-Type: Multipart/Alternative", "parts of its own"),
            ("Content-Disposition: form-data; name=f; filename*=koi8-r''%C1", "charset"),
            ("Content-Disposition: form-data; name=f; filename*0=a; filename*1=b", "several parameters"),
        ])
    func refused(lines: String, reason: String) async throws {
        try await RunningServer.with { server in
            for body in [Self.plainFile + Self.part(lines) + Self.end, Self.part(lines) + Self.plainFile + Self.end] {
                let response = try await server.post(body)
                #expect(response.status == 415, "\(response.body)")
                #expect(try Answer(response.body.utf8).error?.contains(reason) == true, "\(response.body)")
                #expect(try await server.contentsWhenSettled().isEmpty)
            }
        }
    }

    @Test("files in nested parts are refused") func nested() async throws {
        try await RunningServer.with { server in
            let inner = """
                --inner\r\nContent-Disposition: file; filename="first.txt"\r\n\r\none\r\n\
                --inner\r\nContent-Disposition: file; filename="second.gif"\r\nContent-Type: image/gif\r\n\
                Content-Transfer-Encoding: binary\r\n\r\ntwo\r\n--inner--\r\n
                """
            let lines = Self.field + "Content-Type: multipart/mixed; boundary=inner"
            let response = try await server.post(Self.plainFile + Self.part(lines, content: inner) + Self.end)
            #expect(response.status == 415)
            #expect(try await server.contentsWhenSettled().isEmpty)
        }
    }

    @Test(
        "content that is sent as it is meant is stored",
        arguments: [
            "Content-Transfer-Encoding: 7bit", "Content-Transfer-Encoding: 8BIT", "CONTENT-TRANSFER-ENCODING: binary ",
            "Content-Transfer-Encoding:", "Content-Encoding: identity", "Content-Type: multipart/x-zip",
            "Content-Type: multipart/mixed; boundary=B",
        ])
    func identity(line: String) async throws {
        try await RunningServer.with { server in
            let response = try await server.post(Self.part(Self.file + line) + Self.end)
            #expect(response.status == 201, "\(response.body)")
            #expect(!response.body.contains("ignored_fields"))
            #expect(try server.directory.read("x.txt") == Data("content".utf8))
        }
    }

    @Test("header fields of a part that have no effect are reported") func ignoredFields() async throws {
        try await RunningServer.with { server in
            let fields = ["X-Meta: 1", "Content-Type: text/plain", "Content-Length: 7", "Content-Type: image/png"]
            let lines = Self.file + fields.joined(separator: "\r\n")
            let response = try await server.post(Self.part(lines) + Self.end)
            #expect(response.status == 201)
            #expect(response.body.contains(#""ignored_fields":["X-Meta","Content-Length","Content-Type"]"#))
            #expect(response.body.contains(#""content_type":"text/plain""#))
        }
    }

    @Test(
        "curl's part encoders are refused, but for identity",
        .enabled(if: Subprocess.find("curl") != nil, "there is no curl"),
        arguments: [("base64", 415), ("quoted-printable", 415), ("binary", 201), ("8bit", 201)])
    func curlEncoders(encoder: String, status: Int) async throws {
        let source = try TemporaryDirectory()
        let bytes = (0..<256).map { UInt8($0) }
        let path = try source.write(bytes, to: "x.dat")
        try await RunningServer.with { server in
            let result = try await Subprocess.run(
                "curl", ["-sS", "-w", "%{stderr}%{http_code}", "-F", "f=@\(path);encoder=\(encoder)", server.url])
            #expect(result.errorOutput == "\(status)", "\(result.output)")
            #expect(try server.directory.contents() == (status == 201 ? ["x.dat"] : []))
            if status == 201 { #expect(try server.directory.read("x.dat") == Data(bytes)) }
        }
    }
}
