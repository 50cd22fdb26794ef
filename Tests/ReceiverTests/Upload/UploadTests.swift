import Crypto
import Foundation
import Platform
import TestSupport
import Testing

@testable import Receiver

@Suite("Uploads", .timeLimit(.minutes(2)))
struct UploadTests {
    @Test("parts are reported in order") func report() async throws {
        try await RunningServer.with { server in
            let body =
                "preamble\r\n--B\r\ncontent-disposition:form-data;name=a\r\n\r\nvälue\r\n"
                + "--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"é.txt\"\r\nContent-Type: text/plain\r\n\r\nhello\r\n"
                + "--B\r\nContent-Disposition: form-data; name=\"none\"; filename=\"\"\r\n\r\n\r\n--B--\r\nepilogue"
            let response = try await server.post(Array(body.utf8), path: "/upload/a/b")
            #expect(response.status == 201)
            #expect(response.head.lowercased().contains("content-type: application/json\r\n"))
            #expect(
                response.body
                    == #"{"bytes":11,"parts":[{"name":"a","size":6,"value":"välue"},{"content_type":"text/plain","filename":"é.txt","name":"f","saved_as":"é.txt","size":5},{"filename":"","name":"none","size":0}]}"#
                    + "\n"
            )
            #expect(try server.directory.contents() == ["é.txt"])
            #expect(try server.directory.read("é.txt") == Data("hello".utf8))
        }
    }

    @Test("--discard stores nothing but reports sizes and digests") func discard() async throws {
        try await RunningServer.with(storage: { _ in DiscardStorage() }) { server in
            let response = try await server.post(
                RunningServer.document([("x", Array("abc".utf8))]), fields: ["Want-Repr-Digest: sha-256=10"])
            #expect(response.status == 201)
            let part = try #require(try Answer(response.body.utf8).parts?.first)
            #expect(part.savedAs == nil)
            #expect(part.size == 3)
            #expect(part.sha256 == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
            #expect(try server.directory.contents().isEmpty)
        }
    }

    @Test(
        "hostile names are stored within the directory",
        arguments: [
            ("../../etc/passwd", "passwd"), ("C:\\x\\y.txt", "y.txt"), ("..", "unnamed"), ("/", "unnamed"),
            (".http-streaming-x", "_.http-streaming-x"), (".hidden", "_.hidden"), ("a%22b.txt", "a\"b.txt"),
            (String(repeating: "n", count: 300) + ".txt", String(repeating: "n", count: 251) + ".txt"),
        ])
    func hostileNames(filename: String, expected: String) async throws {
        let outer = try TemporaryDirectory()
        try await RunningServer.with(storage: { _ in try DirectoryStorage(path: outer.path("in/ner")) }) { server in
            let response = try await server.post(RunningServer.document([(filename, [0, 1])]))
            #expect(response.status == 201)
            #expect(try Answer(response.body.utf8).parts?.first?.savedAs == expected)
            #expect(try FileManager.default.contentsOfDirectory(atPath: outer.path("in/ner")) == [expected])
            #expect(try outer.contents() == ["in"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: outer.path("in")) == ["ner"])
        }
    }

    @Test("an encoded NUL in a name is removed") func encodedNUL() async throws {
        try await RunningServer.with { server in
            let body =
                "--B\r\nContent-Disposition: form-data; name=f; filename*=UTF-8''a%00b%2Fc%0A.txt\r\n\r\nx\r\n--B--\r\n"
            let response = try await server.post(Array(body.utf8))
            #expect(response.status == 201)
            #expect(try server.directory.contents() == ["c.txt"])
        }
    }

    @Test("existing files are kept, and new ones numbered") func existingNames() async throws {
        try await RunningServer.with { server in
            try server.directory.write("old".utf8, to: "a.tar.gz")
            let document = RunningServer.document([("a.tar.gz", [1]), ("a.tar.gz", [2]), (".rc", []), (".rc", [3])])
            let response = try await server.post(document)
            #expect(
                try Answer(response.body.utf8).parts?.map(\.savedAs)
                    == ["a (1).tar.gz", "a (2).tar.gz", "_.rc", "_.rc (1)"]
            )
            #expect(try server.directory.read("a.tar.gz") == Data("old".utf8))
            #expect(try server.directory.read("a (2).tar.gz") == Data([2]))
            #expect(try server.directory.read("_.rc") == Data())
        }
    }

    @Test("20 parallel uploads of one name are all stored") func sameName() async throws {
        try await RunningServer.with { server in
            let saved = try await withThrowingTaskGroup(of: (Int, String?).self) { group in
                for index in 0..<20 {
                    group.addTask {
                        let content = [UInt8](repeating: UInt8(index), count: 100_000 + index)
                        let response = try await server.post(RunningServer.document([("same.bin", content)]))
                        return (index, try Answer(response.body.utf8).parts?.first?.savedAs)
                    }
                }
                return try await group.reduce(into: [(Int, String?)]()) { $0.append($1) }
            }
            #expect(try server.directory.contents().count == 20)
            for (index, name) in saved {
                let content = try server.directory.read(try #require(name))
                #expect(content == Data(repeating: UInt8(index), count: 100_000 + index))
            }
        }
    }

    @Test("long fields are truncated in the report") func longFields() async throws {
        try await RunningServer.with { server in
            let long = String(repeating: "é", count: 50_000)
            var body = "--B\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n\(long)\r\n"
            for _ in 0..<30 { body += "--B\r\nContent-Disposition: form-data; name=\"g\"\r\n\r\n\(long)x\r\n" }
            let response = try await server.post(Array((body + "--B--\r\n").utf8))
            let parts = try #require(try Answer(response.body.utf8).parts)
            #expect(parts[0].size == 100_000)
            #expect(parts[0].truncated == true)
            #expect(parts[0].value == String(repeating: "é", count: 32 * 1024))
            #expect(parts.reduce(0) { $0 + ($1.value?.utf8.count ?? 0) } == 1024 * 1024)
            #expect(parts.allSatisfy { $0.truncated == true })
        }
    }

    @Test("a request split at any byte is stored") func splits() async throws {
        let body = RunningServer.document([("x", Array("one\r\n--C\r\n".utf8)), ("y", Array("\r\n".utf8))])
        for chunked in [false, true] {
            let head = RunningServer.head(length: chunked ? nil : body.count)
            let chunks = chunk(body[..<40]) + chunk(body[40...]) + chunk([])
            let whole = Array(head.utf8) + (chunked ? chunks : body)
            try await RunningServer.with { server in
                let statuses = try await server.connected { connection in
                    try (1..<whole.count).map { split in
                        try connection.send(Array(whole[..<split]))
                        // Usually long enough for the server to read the first piece alone.
                        usleep(300)
                        try connection.send(Array(whole[split...]))
                        return try connection.receiveResponse().status
                    }
                }
                #expect(statuses.allSatisfy { $0 == 201 })
                let contents = try server.directory.contents()
                #expect(contents.count == 2 * (whole.count - 1))
                for name in contents {
                    let expected = name.hasPrefix("x") ? "one\r\n--C\r\n" : "\r\n"
                    #expect(try server.directory.read(name) == Data(expected.utf8))
                }
            }
        }
    }

    @Test("uploads work with hidden files, as on systems without unnamed ones") func hiddenFiles() async throws {
        try await RunningServer.with(storage: { try DirectoryStorage(path: $0.path, kind: .hidden) }) { server in
            for number in 0..<3 {
                let response = try await server.post(RunningServer.document([("x", [UInt8(number)]), ("y", [])]))
                #expect(response.status == 201)
            }
            #expect(try server.directory.contents() == ["x", "x (1)", "x (2)", "y", "y (1)", "y (2)"])
            #expect(try server.directory.read("x (2)") == Data([2]))
            let refused = try await server.post(RunningServer.document([("z", [1])], close: ""))
            #expect(refused.status == 400)
            #expect(try server.directory.contents().count == 6)
        }
    }

    @Test("large chunks are stored unchanged") func largeChunks() async throws {
        var generator = SystemRandomNumberGenerator()
        let content = (0..<(8 << 20) / 8).flatMap { _ in withUnsafeBytes(of: generator.next()) { Array($0) } }
        try await RunningServer.with { server in
            let response = try await server.post(
                RunningServer.document([("x", content)]), fields: ["Want-Repr-Digest: sha-256=1"])
            let digest = SHA256.hash(data: content).hexadecimal
            #expect(try Answer(response.body.utf8).parts?.first?.sha256 == digest)
            #expect(try server.directory.read("x") == Data(content))
        }
    }
}
