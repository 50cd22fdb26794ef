import Crypto
import Foundation
import TestSupport
import Testing

@testable import Receiver

/// The flow of tus 1.0, request by request, and a client written by others.
@Suite("Uploads of tus", .timeLimit(.minutes(3)))
struct TusTests {
    private static let type = "Content-Type: application/offset+octet-stream"

    private static func client(_ server: RunningServer) -> ResumingClient {
        ResumingClient(port: server.port, version: nil)
    }

    private static func metadata(_ name: String) -> String {
        "Upload-Metadata: filename \(Data(name.utf8).base64EncodedString()),filetype \(Data("text/plain".utf8).base64EncodedString()),empty"
    }

    private static func create(
        _ client: ResumingClient, _ name: String, length: Int, _ body: [UInt8] = []
    ) async throws -> ResumingClient.Answer {
        try await client.ask(
            "POST", "/tus/", ["Upload-Length: \(length)", metadata(name)] + (body.isEmpty ? [] : [type]), body)
    }

    /// Relative to the path below which uploads are.
    private static func location(_ answer: ResumingClient.Answer) throws -> String {
        "/tus/" + (try #require(answer.fields["location"]))
    }

    @Test("creation, offsets, appending, and the end") func flow() async throws {
        try await RunningServer.with { server in
            let client = Self.client(server)
            let created = try await Self.create(client, "größe.txt", length: 10)
            #expect(created.status == 201 && created.interim.isEmpty && created.fields["tus-resumable"] == "1.0.0")
            #expect(created.final.offset == 0 && created.fields["upload-expires"] != nil)
            let location = try Self.location(created)
            #expect(location.wholeMatch(of: /\/tus\/[0-9a-f]{32}/) != nil)
            let first = try await client.ask("PATCH", location, [Self.type, "Upload-Offset: 0"], [1, 2, 3, 4])
            #expect(first.status == 204 && first.final.offset == 4)
            let status = try await client.status(location)
            #expect(status.status == 200 && status.final.offset == 4 && status.fields["upload-length"] == "10")
            #expect(status.fields["cache-control"] == "no-store")
            #expect(try server.visible().isEmpty)
            // A proxy allows POST only.
            let rest = try await client.ask(
                "POST", location, [Self.type, "Upload-Offset: 4", "X-HTTP-Method-Override: PATCH"], [5, 6, 7, 8, 9, 10])
            #expect(rest.status == 204 && rest.final.offset == 10)
            #expect(try server.directory.read("größe.txt") == Data(1...10))
            let ended = try await client.status(location)
            #expect(ended.final.offset == 10 && ended.fields["upload-length"] == "10")
        }
    }

    @Test("creation with content, without content, and of unknown length") func creation() async throws {
        try await RunningServer.with { server in
            let client = Self.client(server)
            let whole = try await Self.create(client, "whole", length: 3, [1, 2, 3])
            #expect(whole.status == 201 && whole.final.offset == 3 && whole.fields["location"] != nil)
            #expect(try server.directory.read("whole") == Data([1, 2, 3]))
            #expect(try await Self.create(client, "empty", length: 0).status == 201)
            #expect(try server.directory.read("empty").isEmpty)
            let deferred = try await client.ask(
                "POST", "/tus/", ["Upload-Defer-Length: 1", Self.metadata("deferred"), Self.type], [1])
            let location = try Self.location(deferred)
            #expect(deferred.status == 201 && deferred.fields["upload-defer-length"] == "1")
            #expect(try await client.status(location).fields["upload-defer-length"] == "1")
            let last = try await client.ask(
                "PATCH", location, [Self.type, "Upload-Offset: 1", "Upload-Length: 2"], [2])
            #expect(last.status == 204)
            #expect(try server.directory.read("deferred") == Data([1, 2]))
        }
    }

    @Test("a body that does not match its checksum leaves the offset as it was", arguments: ["sha1", "sha256"])
    func checksums(algorithm: String) async throws {
        try await RunningServer.with { server in
            let client = Self.client(server)
            let location = try Self.location(try await Self.create(client, "a", length: 6, [1, 2]))
            func field(_ bytes: [UInt8]) -> String {
                let digest =
                    algorithm == "sha1" ? Data(Insecure.SHA1.hash(data: bytes)) : Data(SHA256.hash(data: bytes))
                return "Upload-Checksum: \(algorithm) \(digest.base64EncodedString())"
            }
            let wrong = try await client.ask(
                "PATCH", location, [Self.type, "Upload-Offset: 2", field([9])], [7, 7])
            #expect(wrong.status == 460)
            #expect(try await client.status(location).final.offset == 2)
            let right = try await client.ask(
                "PATCH", location, [Self.type, "Upload-Offset: 2", field([3, 4])], [3, 4])
            #expect(right.status == 204 && right.final.offset == 4)
            let last = try await client.ask("PATCH", location, [Self.type, "Upload-Offset: 4", field([9])], [5, 5])
            #expect(last.status == 460)
            #expect(try server.visible().isEmpty)
            #expect(
                try await client.ask("PATCH", location, [Self.type, "Upload-Offset: 4", field([5, 6])], [5, 6]).status
                    == 204)
            #expect(try server.directory.read("a") == Data(1...6))
            let unknown = try await client.ask(
                "PATCH", location, [Self.type, "Upload-Offset: 4", "Upload-Checksum: crc32 AAAA"], [])
            #expect(unknown.status == 400)
        }
    }

    @Test("requests that do not fit are refused") func refusals() async throws {
        try await RunningServer.with(configure: { $0.maximumBodySize = 100 }) { server in
            let client = Self.client(server)
            #expect(try await Self.create(client, "a", length: 101).status == 413)
            #expect(try await client.ask("POST", "/tus/", [Self.metadata("a")]).status == 400)
            #expect(try await client.ask("POST", "/tus/", ["Upload-Length: -1"]).status == 400)
            #expect(try await client.ask("POST", "/tus/", ["Upload-Length: 1", "Upload-Metadata: a !"]).status == 400)
            let other = ResumingClient(port: server.port, version: 8)
            let version = try await other.ask("POST", "/tus/", ["Upload-Length: 1"])
            #expect(version.status == 412 && version.fields["tus-version"] == "1.0.0")
            let location = try Self.location(try await Self.create(client, "a", length: 4, [1]))
            let cases: [([String], [UInt8], Int)] = [
                ([Self.type, "Upload-Offset: 2"], [1], 409), ([Self.type, "Upload-Offset: 1"], [1, 2, 3, 4], 400),
                (["Content-Type: text/plain", "Upload-Offset: 1"], [1], 415), ([Self.type], [1], 400),
            ]
            for (fields, body, status) in cases {
                #expect(try await client.ask("PATCH", location, fields, body).status == status, "\(fields)")
            }
            #expect(try await client.ask("GET", location).status == 405)
            #expect(try await client.status("/tus/" + String(repeating: "0", count: 32)).status == 404)
            #expect(try await client.ask("DELETE", location).status == 204)
            #expect(try await client.status(location).status == 404)
            #expect(try server.directory.contents().isEmpty)
        }
    }

    @Test("OPTIONS tells what the server supports, and the path can be chosen") func options() async throws {
        try await RunningServer.with(configure: {
            $0.maximumBodySize = 100
            $0.tusPath = "/a/b/"
        }) { server in
            let answer = try await Self.client(server).ask("OPTIONS", "/a/b/")
            #expect(answer.status == 204 && answer.fields["tus-version"] == "1.0.0")
            #expect(answer.fields["tus-max-size"] == "100")
            #expect(answer.fields["tus-checksum-algorithm"] == "sha1,sha256,sha512")
            #expect(answer.fields["tus-extension"]?.contains("creation-with-upload") == true)
            // An ordinary file of that name.
            #expect(try await server.request("PUT", "/tus", body: [1]).status == 201)
        }
    }

    @Test(
        "tuspy, with a break and with checksums",
        .enabled("no tuspy: the reason is printed") { await PythonEnvironment.shared.isAvailable(with: ["tuspy"]) })
    func tuspy() async throws {
        let python = try await PythonEnvironment.shared.interpreter(with: ["tuspy"])
        try await RunningServer.with { server in
            let content = SeededGenerator.bytes(3_000_000, case: 120)
            let files = try TemporaryDirectory()
            let path = try files.write(content, to: "source")
            let script = """
                import sys
                from tusclient import client
                tus = client.TusClient(sys.argv[1] + "/tus/")
                for name, options in [("plain", {}), ("checked", {"upload_checksum": True})]:
                    first = tus.uploader(sys.argv[2], chunk_size=700000, metadata={"filename": name}, **options)
                    first.upload(stop_at=1400000)
                    second = tus.uploader(sys.argv[2], chunk_size=700000, url=first.url, **options)
                    assert second.offset == 1400000, second.offset
                    second.upload()
                """
            let result = try await Subprocess.run(python, ["-c", script, server.url, path], deadline: .seconds(60))
            #expect(result.status == 0, "\(result.errorOutput)")
            for name in ["plain", "checked"] { #expect(try [UInt8](server.directory.read(name)) == content) }
        }
    }

    @Test(
        "aiotus",
        .enabled("no aiotus: the reason is printed") { await PythonEnvironment.shared.isAvailable(with: ["aiotus"]) })
    func aiotus() async throws {
        let python = try await PythonEnvironment.shared.interpreter(with: ["aiotus"])
        try await RunningServer.with { server in
            let content = SeededGenerator.bytes(9_000_000, case: 121)
            let files = try TemporaryDirectory()
            let path = try files.write(content, to: "source")
            let script = """
                import asyncio, sys, aiotus
                async def main():
                    with open(sys.argv[2], "rb") as source:
                        url = await aiotus.upload(sys.argv[1] + "/tus/", source, {"filename": "aio".encode()})
                        assert url is not None
                        metadata = await aiotus.metadata(url)
                        assert metadata["filename"] == "aio".encode(), metadata
                asyncio.run(main())
                """
            let result = try await Subprocess.run(python, ["-c", script, server.url, path], deadline: .seconds(60))
            #expect(result.status == 0, "\(result.errorOutput)")
            #expect(try [UInt8](server.directory.read("aio")) == content)
        }
    }
}
