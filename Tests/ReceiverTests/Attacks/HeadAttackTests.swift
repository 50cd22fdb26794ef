import Foundation
import Platform
import TestSupport
import Testing

@testable import Receiver

@Suite("Heads of requests that have harmed other servers and their clients", .timeLimit(.minutes(2)))
struct HeadAttackTests {
    @Test(
        "CVE-2026-28980: a header of more than 1,000 fields, or of more than 80 KiB, is refused",
        arguments: [
            ("a:\r\n", 1 << 20), ("a: b\r\n", 1001 * 6), ("a: \(String(repeating: "b", count: 995))\r\n", 84_000),
        ])
    func manyFields(line: String, bytes: Int) async throws {
        try await RunningServer.with { server in
            let head = "GET /health HTTP/1.1\r\nHost: x\r\n" + String(repeating: line, count: bytes / line.utf8.count)
            let status = try await server.connected { connection in
                // The server may close before it has read everything.
                try? connection.send(head + "\r\n")
                return try connection.receiveResponse().status
            }
            #expect(status == 431)
            #expect(try await server.isAlive())
        }
    }

    @Test("CVE-2011-3192, CVE-2026-34826: very many ranges get the file once") func ranges() async throws {
        try await RunningServer.with { server in
            try server.directory.write(Samples.book, to: "f")
            let ranges = (0..<8000).map { "\($0)-" }.joined(separator: ",")
            let file = try await server.get("/files/f", ["Range: bytes=\(ranges)"])
            #expect(file.status == 200)
            #expect(file.content == Samples.book)
        }
    }

    @Test(
        "CVE-2026-34230, CVE-2025-62727: long lists in fields are read in linear time",
        arguments: [
            "Accept-Encoding: ", "Accept: ", "Range: bytes=", "If-None-Match: ", "Content-Encoding: ", "Cookie: ",
            "Want-Repr-Digest: ", "Connection: ", "Expect: ", "Authorization: ",
        ], ["a;q=0.1,", "\"a\",", "0-,", ",", "a=\\", " ", "a#,"])
    func longLists(field: String, member: String) async throws {
        try await RunningServer.with { server in
            var list = ""
            // Members that differ, if there is a place for a number.
            while list.utf8.count < 70_000 { list += member.replacing("#", with: "\(list.utf8.count)") }
            for method in ["GET", "PUT"] {
                let duration = try await ContinuousClock().measure {
                    let response = try await server.response(
                        to: "\(method) /files/none HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\(field)\(list)\r\n\r\n")
                    #expect([201, 404, 406, 412, 415, 417].contains(response.status), "\(response)")
                }
                // Quadratic time would be more.
                #expect(duration < .seconds(20))
            }
        }
    }

    @Test("a header that is just short enough is read soon") func longestHeader() async throws {
        try await RunningServer.with { server in
            let duration = try await ContinuousClock().measure {
                for line in ["a: b\r\n", "a#: \(String(repeating: "b", count: 70))\r\n"] {
                    var head = "GET /health HTTP/1.1\r\nHost: x\r\n"
                    for number in 0..<990 { head += line.replacing("#", with: "\(number)") }
                    let response = try await server.response(to: head + "\r\n")
                    #expect(response.status == 200)
                }
            }
            #expect(duration < .seconds(20))
        }
    }

    @Test("a very long name is cleaned in linear time", arguments: ["n", "%20", "%FF", "%0A"])
    func longNames(filler: String) async throws {
        try await RunningServer.with { server in
            let name = String(repeating: filler, count: 70_000 / filler.utf8.count)
            let duration = try await ContinuousClock().measure {
                for (path, fields) in [("/a\(name)", []), ("/files/a\(name)", []), ("/", ["x-filename: a\(name)"])] {
                    let response = try await server.request("PUT", path, fields: fields, body: [1])
                    #expect(response.status == 201)
                }
            }
            #expect(duration < .seconds(20))
        }
    }

    @Test(
        "a name cannot add a field to a response",
        arguments: [
            "a%0D%0ASet-Cookie:%20x=y", "a%0ASet-Cookie:%20x=y", "a%0DSet-Cookie:%20x=y", "a%C4%8D%C4%8ASet-Cookie:b",
        ])
    func responseSplitting(name: String) async throws {
        try await RunningServer.with { server in
            for (path, fields) in [("/\(name)", []), ("/files/\(name)", []), ("/", ["x-filename: \(name)"])] {
                let response = try await server.request("PUT", path, fields: fields, body: [1])
                #expect([200, 201].contains(response.status))
                #expect(!response.head.contains("\nSet-Cookie") && !response.head.contains("\rSet-Cookie"))
                #expect(
                    response.head.components(separatedBy: "\r\n").filter { $0.hasPrefix("Location: /files/a") }.count
                        == 1)
            }
            for path in ["/echo/\(name)", "/files/\(name)", "/\(name)"] {
                let head = try await server.response(to: "GET \(path) HTTP/1.1\r\nHost: x\r\n\r\n").head
                #expect(!head.contains("Set-Cookie"))
            }
        }
    }

    @Test(
        "a name cannot add markup to a page",
        arguments: [
            "<script>alert(1)</script>", "\"onmouseover=\"alert(1)", "'><img src=x onerror=alert(1)>",
            "javascript:alert(1)",
        ])
    func markup(name: String) async throws {
        try await RunningServer.with { server in
            let html = "Accept: text/html,application/xhtml+xml"
            let body = RunningServer.document([(name.replacing("\"", with: "%22"), [1])])
            let report = try await server.post(body, fields: [html])
            #expect(report.status == 201)
            let list = String(decoding: try await server.get("/files", [html]).content, as: UTF8.self)
            let wrongPath = try await server.response(
                to: "GET /none/\(name.percentEncoded)/x HTTP/1.1\r\nHost: x\r\n\(html)\r\n\r\n")
            for page in [report.body, list, wrongPath.body] {
                #expect(page.contains("<html") && !page.contains("<script>alert") && !page.contains("<img src=x"))
                #expect(!page.contains("\"onmouseover=") && !page.contains("href=\"javascript:"))
            }
            // The file itself is not a page of this server's origin.
            let stored = try #require(try server.directory.contents().first)
            let file = try await server.get("/files/\(stored.percentEncoded)")
            #expect(file.status == 200)
            #expect(file.fields["content-security-policy"]?.contains("sandbox") == true)
            #expect(file.fields["x-content-type-options"] == "nosniff")
        }
    }

    @Test(
        "a path cannot leave the folder",
        arguments: [
            "../secret", "..%2Fsecret", "%2e%2e/secret", "%2e%2e%2fsecret", "..%5Csecret", "%252e%252e%252fsecret",
            "..",
            ".", "", "..%00", "%2Fetc%2Fpasswd", "link", ".hidden", "sub/file", "sub%2Ffile",
        ])
    func traversal(path: String) async throws {
        let outer = try TemporaryDirectory()
        try outer.write("secret".utf8, to: "secret")
        try await RunningServer.with(storage: { _ in try DirectoryStorage(path: outer.path("files")) }) { server in
            let folder = outer.path("files")
            try FileManager.default.createDirectory(atPath: folder + "/sub", withIntermediateDirectories: false)
            try Data("secret".utf8).write(to: URL(fileURLWithPath: folder + "/sub/file"))
            try Data("secret".utf8).write(to: URL(fileURLWithPath: folder + "/.hidden"))
            try FileManager.default.createSymbolicLink(atPath: folder + "/link", withDestinationPath: "../secret")
            let response = try await server.response(to: "GET /files/\(path) HTTP/1.1\r\nHost: x\r\n\r\n")
            #expect(response.status == 404)
            #expect(!response.body.contains("secret\""))
            let put = try await server.request("PUT", "/files/\(path)", body: [1])
            #expect([201, 400, 404, 405, 409].contains(put.status))
            #expect(try outer.read("secret") == Data("secret".utf8))
            #expect(try outer.contents() == ["files", "secret"])
        }
    }
}
