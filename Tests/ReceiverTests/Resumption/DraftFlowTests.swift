import Foundation
import TestSupport
import Testing

@testable import Receiver

/// The flow of draft-ietf-httpbis-resumable-upload, request by request.
@Suite("Resumable uploads of the draft", .timeLimit(.minutes(2)))
struct DraftFlowTests {
    private static let form = RunningServer.document([("a", Array("hello".utf8))])

    /// The field that tells whether an upload is complete.
    private static func complete(_ version: Int, _ isComplete: Bool) -> String {
        version == 3 ? "Upload-Incomplete: ?\(isComplete ? 0 : 1)" : "Upload-Complete: ?\(isComplete ? 1 : 0)"
    }

    private static func isComplete(_ version: Int, _ fields: [String: String]) -> Bool? {
        version == 3
            ? fields["upload-incomplete"].map { $0 == "?0" } : fields["upload-complete"].map { $0 == "?1" }
    }

    @Test("an upload in one request gets 104 with its location and the route's own answer", arguments: [3, 5, 6, 7, 8])
    func whole(version: Int) async throws {
        try await RunningServer.with { server in
            let client = ResumingClient(port: server.port, version: version)
            let answer = try await client.ask(
                "POST", "/", AwkwardForm.fields + [Self.complete(version, true)], Self.form)
            #expect(answer.status == 201 && Self.isComplete(version, answer.fields) == true)
            #expect(answer.interim.map(\.status) == [104])
            #expect(answer.interim.first?.fields["upload-draft-interop-version"] == "\(version)")
            #expect((answer.interim.first?.fields["upload-limit"] != nil) == (version >= 6))
            #expect(try Answer(answer.body.utf8).parts?.map(\.savedAs) == ["a"])
            #expect(try server.directory.read("a") == Data("hello".utf8))
            let location = try #require(answer.location)
            #expect(location.wholeMatch(of: /\/\.uploads\/[0-9a-f]{32}/) != nil)
            #expect(try server.visible() == ["a"])
            let listed = String(decoding: try await server.get("/files").content, as: UTF8.self)
            #expect(!listed.contains("http-streaming"))
        }
    }

    @Test("an upload in three requests", arguments: [3, 5, 6, 7, 8])
    func parts(version: Int) async throws {
        try await RunningServer.with { server in
            let client = ResumingClient(port: server.port, version: version)
            let body = Self.form
            let type = version >= 6 ? "application/partial-upload" : "application/octet-stream"
            let first = try await client.ask(
                "POST", "/upload", AwkwardForm.fields + [Self.complete(version, false)], Array(body[..<20]))
            #expect(first.status == 201 && Self.isComplete(version, first.fields) == false)
            let location = try #require(first.location)
            #expect(first.fields["location"] == location && first.final.offset == 20)
            let status = try await client.status(location)
            #expect(status.status == 204 && status.final.offset == 20)
            #expect(Self.isComplete(version, status.fields) == false)
            #expect(status.fields["cache-control"] == "no-store")
            #expect((status.fields["upload-limit"]?.contains("max-age=86400") == true) == (version >= 6))
            let second = try await client.ask(
                "PATCH", location, ["Content-Type: \(type)", "Upload-Offset: 20", Self.complete(version, false)],
                Array(body[20..<60]))
            #expect(second.status == (version == 3 ? 201 : 204) && second.final.offset == 60)
            #expect(try server.visible().isEmpty)
            let third = try await client.ask(
                "PATCH", location, ["Content-Type: \(type)", "Upload-Offset: 60", Self.complete(version, true)],
                Array(body[60...]))
            #expect(third.status == 201 && Self.isComplete(version, third.fields) == true)
            #expect(try server.directory.read("a") == Data("hello".utf8))
            let ended = try await client.status(location)
            #expect(ended.final.offset == body.count && Self.isComplete(version, ended.fields) == true)
        }
    }

    @Test("the answer is given again to a client that has lost it, also after a restart") func answerAgain()
        async throws
    {
        let directory = try TemporaryDirectory()
        let (location, body) = try await RunningServer.with(directory: directory) { server in
            let answer = try await server.resuming.ask("PUT", "/a", ["Upload-Complete: ?1"], [1, 2, 3])
            #expect(answer.status == 201 && answer.fields["location"] == "/files/a")
            let location = try #require(answer.location)
            let again = try await server.resuming.append([], at: 3, to: location)
            #expect(again.status == 201 && again.body == answer.body)
            #expect(again.fields["etag"] == answer.fields["etag"] && again.fields["location"] == "/files/a")
            return (location, answer.body)
        }
        try await RunningServer.with(directory: directory) { server in
            #expect(try await server.resuming.status(location).fields["upload-complete"] == "?1")
            let again = try await server.resuming.append([], at: 3, to: location)
            #expect(again.status == 201 && again.body == body && again.fields["location"] == "/files/a")
            #expect(try server.visible() == ["a"])
            let more = try await server.resuming.append([4], at: 3, to: location)
            #expect(more.status == 400 && more.body.contains("#completed-upload"))
            #expect(try await server.resuming.ask("DELETE", location).status == 204)
            #expect(try server.visible() == ["a"] && server.hidden().isEmpty)
        }
    }

    @Test(
        "over HTTP/2, with curl, which knows nothing of it",
        .enabled(if: Subprocess.find("curl") != nil, "SKIPPED: there is no curl"))
    func overHTTP2() async throws {
        let server = try await ServerProcess.start(["--log-level", "error"], isSecure: true)
        defer { server.process.terminate(SIGKILL) }
        let files = try TemporaryDirectory()
        let content = [UInt8](repeating: 7, count: 40 << 20)
        let path = try files.write(content, to: "source")
        let result = try await Subprocess.run(
            "curl",
            [
                "-sk", "--http2", "-D", "-", "-o", "/dev/null", "-T", path, "-H", "Upload-Draft-Interop-Version: 8",
                "-H",
                "Upload-Complete: ?1", server.url + "/a",
            ], deadline: .seconds(60))
        let heads = result.output
        #expect(heads.contains("HTTP/2 104") && heads.contains("location: /.uploads/"), "\(heads)")
        #expect(heads.contains("HTTP/2 201") && heads.contains("upload-complete: ?1"), "\(heads)")
        #expect(try server.directory.read("a").count == content.count)
    }

    @Test("a request without these fields leaves nothing but its file") func ordinary() async throws {
        try await RunningServer.with { server in
            var statuses = [try await server.post(Self.form).status]
            // Upload-Complete without a version has no meaning.
            statuses.append(try await server.post(Self.form, fields: ["Upload-Complete: ?0"]).status)
            statuses.append(try await server.post(Self.form, fields: ["Upload-Draft-Interop-Version: 8"]).status)
            #expect(statuses == [201, 201, 201])
            #expect(try server.directory.contents() == ["a", "a (1)", "a (2)"])
        }
    }

    @Test("versions that the server does not speak: a whole upload is an ordinary one, a part is refused")
    func otherVersions() async throws {
        try await RunningServer.with { server in
            for version in [2, 4, 9] {
                let client = ResumingClient(port: server.port, version: version)
                let whole = try await client.ask("PUT", "/v\(version)", ["Upload-Complete: ?1"], [1])
                #expect(whole.status == 201 && whole.interim.isEmpty)
                let part = try await client.ask("PUT", "/p\(version)", ["Upload-Complete: ?0"], [1])
                #expect(part.status == 400)
            }
            #expect(try server.directory.contents() == ["v2", "v4", "v9"])
        }
    }

    @Test("over HTTP/1.0, as proxies speak it, without interim responses") func http10() async throws {
        try await RunningServer.with { server in
            let (created, ended) = try await server.connected { connection in
                let fields = "HTTP/1.0\r\nConnection: keep-alive\r\nUpload-Draft-Interop-Version: 8\r\n"
                try connection.send(
                    "PUT /a \(fields)Upload-Complete: ?0\r\nUpload-Length: 3\r\nContent-Length: 0\r\n\r\n")
                let created = try ResumingClient.head(connection)
                let append = (ResumingClient.patch(0) + ["Content-Length: 3"]).joined(separator: "\r\n")
                try connection.send("PATCH \(created.fields["location"] ?? "/") \(fields)\(append)\r\n\r\nabc")
                return (created, try ResumingClient.head(connection))
            }
            #expect(created.status == 201 && created.fields["content-length"] == "0")
            #expect(created.fields["location"]?.hasPrefix("/.uploads/") == true)
            #expect(ended.status == 201 && ended.fields["location"] == "/files/a")
            #expect(try server.directory.read("a") == Data("abc".utf8))
            #expect(try server.visible() == ["a"])
        }
    }

    @Test("DELETE removes an upload") func delete() async throws {
        try await RunningServer.with { server in
            let location = try #require(
                try await server.resuming.ask("PUT", "/a", ["Upload-Complete: ?0"], [1, 2]).location)
            #expect(try await server.resuming.ask("DELETE", location).status == 204)
            #expect(try await server.resuming.status(location).status == 404)
            #expect(try await server.resuming.append([3], at: 2, to: location).status == 404)
            #expect(try server.directory.contents().isEmpty)
        }
    }

    @Test("OPTIONS tells the limits") func options() async throws {
        try await RunningServer.with(configure: {
            $0.maximumBodySize = 1000
            $0.resumption.age = .seconds(100)
        }) { server in
            for path in ["/", "/upload", "/files/a", "/a", "/.uploads/\(String(repeating: "0", count: 32))"] {
                let answer = try await server.resuming.ask("OPTIONS", path)
                #expect(
                    answer.status == 204 && answer.fields["upload-limit"] == "max-size=1000, max-age=100", "\(path)")
            }
            #expect(try await server.resuming.ask("OPTIONS", "/echo").fields["upload-limit"] == nil)
        }
    }

    @Test("each request that does not fit the upload is refused, and the upload stays") func refusals() async throws {
        try await RunningServer.with(configure: { $0.maximumBodySize = 1000 }) { server in
            let client = server.resuming
            let begun = try await client.ask("PUT", "/a", ["Upload-Complete: ?0", "Upload-Length: 10"], [1, 2, 3])
            let location = try #require(begun.location)
            let type = "Content-Type: application/partial-upload"
            let cases: [(fields: [String], body: [UInt8], status: Int, text: String)] = [
                ([type, "Upload-Offset: 2", "Upload-Complete: ?0"], [1], 409, "\"expected-offset\":3"),
                ([type, "Upload-Offset: 4", "Upload-Complete: ?0"], [1], 409, "\"provided-offset\":4"),
                (
                    [type, "Upload-Offset: 999999999999999", "Upload-Complete: ?1"], [], 409,
                    "mismatching-upload-offset"
                ),
                ([type, "Upload-Offset: -1", "Upload-Complete: ?1"], [], 400, "Upload-Offset"),
                ([type, "Upload-Offset: 99999999999999999999", "Upload-Complete: ?1"], [], 400, "Upload-Offset"),
                ([type, "Upload-Offset: x", "Upload-Complete: ?1"], [], 400, "Upload-Offset"),
                ([type, "Upload-Complete: ?1"], [], 400, "Upload-Offset"),
                ([type, "Upload-Offset: 3"], [], 400, "Upload-Complete"),
                ([type, "Upload-Offset: 3", "Upload-Complete: true"], [], 400, "Upload-Complete"),
                (
                    [type, "Upload-Offset: 3", "Upload-Complete: ?0", "Upload-Length: 11"], [1], 400,
                    "inconsistent-upload"
                ),
                ([type, "Upload-Offset: 3", "Upload-Complete: ?1"], [1], 400, "inconsistent-upload-length"),
                (
                    [type, "Upload-Offset: 3", "Upload-Complete: ?0"], [UInt8](repeating: 0, count: 8), 400,
                    "inconsistent"
                ),
                ([type, "Upload-Offset: 3", "Upload-Complete: ?0", "Content-Encoding: gzip"], [1], 415, "coding"),
                (["Content-Type: text/plain", "Upload-Offset: 3", "Upload-Complete: ?0"], [1], 415, "partial-upload"),
                (["Upload-Offset: 3", "Upload-Complete: ?0"], [1], 415, "partial-upload"),
            ]
            for (fields, body, status, text) in cases {
                let answer = try await client.ask("PATCH", location, fields, body)
                #expect(answer.status == status && answer.body.contains(text), "\(fields): \(answer)")
                if status == 409 { #expect(answer.final.offset == 3) }
            }
            for method in ["GET", "POST", "PUT"] {
                #expect(try await client.ask(method, location).status == 405, "\(method)")
            }
            // Without a length, more bytes than belong to the upload.
            let more = try await client.ask(
                "PATCH", location, [type, "Upload-Offset: 3", "Upload-Complete: ?0"], [UInt8](repeating: 0, count: 8),
                chunked: true)
            #expect(more.status == 400)
            #expect(try await client.status(location).final.offset == 3)
            let rest: [UInt8] = [4, 5, 6, 7, 8, 9, 10]
            #expect(try await client.append(rest, at: 3, to: location).status == 201)
            #expect(try server.directory.read("a") == Data(1...10))
        }
    }

    @Test("an upload that cannot be stored is refused at once, and nothing of it is kept") func refusedCreation()
        async throws
    {
        try await RunningServer.with(configure: { $0.maximumBodySize = 1000 }) { server in
            let client = server.resuming
            let cases: [(path: String, fields: [String], body: [UInt8], status: Int)] = [
                ("/a", ["Upload-Complete: ?1", "Upload-Length: 2000"], [1], 413),
                ("/a", ["Upload-Complete: ?1", "Upload-Length: 2"], [1], 400),
                ("/a", ["Upload-Complete: ?0", "Upload-Length: -2"], [1], 400),
                ("/a", ["Upload-Complete: yes"], [1], 400),
                ("/a", ["Upload-Complete: ?1", "If-Match: \"x\""], [1], 412),
                ("/a", ["Upload-Complete: ?1", "Content-Type: multipart/form-data"], [1], 415),
                ("/a", ["Upload-Complete: ?1", "Content-Encoding: br"], [1], 415),
            ]
            for (path, fields, body, status) in cases {
                #expect(try await client.ask("PUT", path, fields, body).status == status, "\(fields)")
            }
            // Found out when the body has been read.
            let form = AwkwardForm.fields + ["Upload-Complete: ?1"]
            let truncated = try await client.ask("POST", "/", form, Array(Self.form.dropLast(4)))
            #expect(truncated.status == 400)
            #expect(try await client.status(try #require(truncated.location)).status == 404)
            _ = try await eventually { try server.directory.contents().isEmpty }
            #expect(try server.directory.contents().isEmpty)
        }
    }
}
