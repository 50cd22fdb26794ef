import ContentCoding
import Foundation
import NIOCore
import Platform
import TestSupport
import Testing

@testable import Receiver

@Suite("PUT replaces files", .timeLimit(.minutes(2)))
struct ReplacingTests {
    private static let kinds: [TemporaryFile.Kind] = [.unnamed, .hidden]

    private func with(
        _ kind: TemporaryFile.Kind, configure: (inout Receiver.Configuration) -> Void = { _ in },
        _ body: (RunningServer) async throws -> Void
    ) async throws {
        try await RunningServer.with(
            storage: { try DirectoryStorage(path: $0.path, kind: kind) }, configure: configure, body)
    }

    @Test("the same URL has the file that was put last", arguments: kinds) func replaces(kind: TemporaryFile.Kind)
        async throws
    {
        try await with(kind) { server in
            for (path, location) in [
                ("/a%20b.txt", "/files/a%20b.txt"), ("/files/c", "/files/c"), ("/.env", "/files/_.env"),
            ] {
                for (number, status) in [201, 200, 200].enumerated() {
                    let content = [UInt8](repeating: UInt8(number), count: 1000 * (3 - number))
                    let response = try await server.request("PUT", path, body: content)
                    #expect(response.status == status)
                    #expect(response.head.contains("Location: \(location)\r\n"))
                    let file = try await server.get(location)
                    #expect(file.content == content)
                    let tag = try #require(file.fields["etag"])
                    #expect(response.head.contains("ETag: \(tag)\r\n"), "\(response.head)")
                }
            }
            #expect(try server.directory.contents() == ["_.env", "a b.txt", "c"])
        }
    }

    @Test("a decoded body has no ETag in the response, because it is not what was sent (RFC 9110 §9.3.4)")
    func codedBody() async throws {
        try await RunningServer.with { server in
            let response = try await server.request(
                "PUT", "/a", fields: ["Content-Encoding: gzip"], body: try Samples.encoded([1, 2, 3], .gzip))
            #expect(response.status == 201)
            #expect(!response.head.contains("ETag"))
        }
    }

    @Test("whoever reads the old file reads it to its end", arguments: kinds) func readers(kind: TemporaryFile.Kind)
        async throws
    {
        try await with(kind) { server in
            let old = [UInt8](repeating: 1, count: 30_000_000)
            #expect(try await server.request("PUT", "/a", body: old).status == 201)
            let port = server.port
            let read = try await server.connected { connection in
                try connection.send("GET /files/a HTTP/1.1\r\nHost: x\r\n\r\n")
                _ = try connection.receive(through: "\r\n\r\n")
                let start = try connection.receive(count: 1000)
                let put = try RawConnection(port: port).ask(
                    "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nnew")
                #expect(put.status == 200)
                return try start + connection.receive(count: old.count - 1000)
            }
            #expect(read == old)
            #expect(try server.directory.read("a") == Data("new".utf8))
            #expect(try server.directory.contents() == ["a"])
        }
    }

    @Test("a hundred at once leave one file, whole", arguments: kinds) func manyAtOnce(kind: TemporaryFile.Kind)
        async throws
    {
        try await with(kind) { server in
            let contents = (0..<100).map { [UInt8](repeating: UInt8($0), count: 20_000 + $0) }
            let statuses = try await statuses(server, contents)
            #expect(statuses.sorted() == Array(repeating: 200, count: 99) + [201])
            #expect(try server.directory.contents() == ["a"])
            #expect(contents.contains(Array(try server.directory.read("a"))))
        }
    }

    @Test("of several that are to create the file, one does", arguments: kinds) func oneCreates(
        kind: TemporaryFile.Kind
    ) async throws {
        try await with(kind) { server in
            for round in 0..<10 {
                let contents = (0..<5).map { [UInt8](repeating: UInt8($0), count: 20_000) }
                let statuses = try await statuses(server, contents, "/files/a\(round)", ["If-None-Match: *"])
                #expect(statuses.sorted() == [201, 412, 412, 412, 412])
                #expect(contents.contains(Array(try server.directory.read("a\(round)"))))
            }
            #expect(try server.directory.contents().count == 10)
        }
    }

    @Test("of several that replace the same version, one does", arguments: ["PUT", "POST"], kinds)
    func oneReplaces(method: String, kind: TemporaryFile.Kind) async throws {
        try await with(kind) { server in
            _ = try await server.request("PUT", "/a", body: [9])
            let tag = try #require(try await server.get("/files/a").fields["etag"])
            let contents = (0..<5).map { [UInt8](repeating: UInt8($0), count: 20_000) }
            let statuses = try await statuses(server, contents, "/files/a", ["If-Match: \(tag)"], method)
            if method == "PUT" {
                #expect(statuses.sorted() == [200, 412, 412, 412, 412])
                #expect(contents.contains(Array(try server.directory.read("a"))))
                #expect(try server.directory.contents() == ["a"])
            } else {
                // A new file beside it does not change the one that has the name.
                #expect(statuses == [201, 201, 201, 201, 201])
                #expect(try server.directory.read("a") == Data([9]))
                #expect(try server.directory.contents().count == 6)
            }
        }
    }

    #if os(Linux)
    @Test(
        "no file is replaced between the judgement of a condition and its own replacement",
        .enabled(if: SystemCallTrace.obstacle == nil, "SKIPPED: there is no strace"))
    func slowReplacement() async throws {
        // All requests have judged their condition before one of them replaces the file, unless they wait for one another.
        let trace = try SystemCallTrace(injecting: ["renameat2:delay_enter=300ms"])
        let server = try await ServerProcess.start(through: trace.command)
        defer { server.process.terminate(SIGKILL) }
        let put = { @Sendable (field: String, content: UInt8) in
            let head = "PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\(field)\r\n"
            return try await server.response(to: head, [content])
        }
        let created = try await put("", 9)
        let tag = try #require(created.head.firstMatch(of: /ETag: (\S+)/)?.1)
        let statuses = try await withThrowingTaskGroup(of: Int.self) { [tag] tasks in
            for content in 0..<4 { tasks.addTask { try await put("If-Match: \(tag)\r\n", UInt8(content)).status } }
            return try await tasks.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses.sorted() == [200, 412, 412, 412])
        #expect(try server.directory.contents() == ["a"])
    }
    #endif

    /// Sends all heads, then all bodies, so that every condition holds when the body begins.
    private func statuses(
        _ server: RunningServer, _ contents: [[UInt8]], _ path: String = "/a", _ fields: [String] = [],
        _ method: String = "PUT"
    ) async throws -> [Int] {
        try await server.connected { _ in
            let connections = try contents.map { content in
                let connection = try RawConnection(port: server.port)
                let head = ["\(method) \(path) HTTP/1.1", "Host: x", "Content-Length: \(content.count)"] + fields
                try connection.send(head.joined(separator: "\r\n") + "\r\n\r\n")
                try connection.send(Array(content.prefix(10)))
                return connection
            }
            usleep(300_000)
            for (connection, content) in zip(connections, contents) {
                try connection.send(Array(content.dropFirst(10)))
            }
            return try connections.map { try $0.receiveResponse().status }
        }
    }

    @Test("names that differ before cleaning do not replace one another") func notExact() async throws {
        try await RunningServer.with { server in
            for (path, field) in [
                ("/..%2fa", nil), ("/a%00", nil), ("/x%5Ca", nil), ("/", "a"), ("/b", "a"), ("/", "x/a"),
            ] as [(String, String?)] {
                let response = try await server.request(
                    "PUT", path, fields: field.map { ["x-filename: \($0)"] } ?? [], body: Array(path.utf8))
                #expect(response.status == 201)
            }
            #expect(try server.directory.contents().count == 6)
            for _ in 0..<2 { #expect(try await server.request("PUT", "/%2e%2e", body: [1]).status == 201) }
            #expect(try server.directory.contents().count == 8)
        }
    }

    @Test("with replacesFiles = false a file that is put gets a number") func numbers() async throws {
        try await with(.unnamed, configure: { $0.replacesFiles = false }) { server in
            for path in ["/a", "/files/a", "/a"] {
                let response = try await server.request("PUT", path, body: [1])
                #expect(response.status == 201)
            }
            #expect(try server.directory.contents() == ["a", "a (1)", "a (2)"])
        }
    }

    @Test("anything but a file is not replaced", arguments: ["folder", "FIFO", "link", "dangling link"])
    func otherKinds(kind: String) async throws {
        let outer = try TemporaryDirectory()
        try outer.write([9], to: "target")
        try await RunningServer.with { server in
            let path = server.directory.path("a")
            switch kind {
            case "folder": try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            case "FIFO": #expect(mkfifo(path, 0o600) == 0)
            case "link":
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: outer.path("target"))
            default:
                try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: outer.path("nothing"))
            }
            let before = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType
            #expect(try await server.request("PUT", "/a", body: [1]).status == 409)
            #expect(try await server.request("POST", "/files/a", body: [1]).status == 201)
            #expect(try server.directory.contents() == ["a", "a (1)"])
            #expect(try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType == before)
            #expect(try outer.contents() == ["target"])
            #expect(try outer.read("target") == Data([9]))
        }
    }

    @Test("a replacement that fails leaves the old file; a later one is not undone", arguments: kinds, [false, true])
    func undone(kind: TemporaryFile.Kind, isReplaced: Bool) async throws {
        let directory = try TemporaryDirectory()
        let folder = try StorageFolder(path: directory.path, kind: kind, .full)
        func published(_ content: String) throws -> UnpublishedFiles {
            let files = UnpublishedFiles(in: folder)
            try files.begin()
            try files.write([ByteBuffer(string: content)]) { _ in }
            files.end()
            try files.publishOne(as: FileName(cleaning: "a"), Naming(replaces: true))
            return files
        }
        for before in [nil, "old"] {
            if let before { try directory.write(before.utf8, to: "a") }
            // As after a failed sync of the directory.
            let failed = try published("failed")
            #expect(try directory.read("a") == Data("failed".utf8))
            let later = isReplaced ? try published("later") : nil
            #expect(failed.discard(limit: 64))
            _ = later?.finish()
            let expected = isReplaced ? "later" : before
            #expect(try directory.contents() == (expected == nil ? [] : ["a"]))
            if let expected { #expect(try directory.read("a") == Data(expected.utf8)) }
            if isReplaced { try FileManager.default.removeItem(atPath: directory.path("a")) }
        }
    }

    @Test("a file of a failed form that was replaced meanwhile is not removed") func replacedMeanwhile() throws {
        let directory = try TemporaryDirectory()
        let folder = try StorageFolder(path: directory.path, kind: .unnamed, .full)
        let form = UnpublishedFiles(in: folder)
        for content in ["1", "2"] {
            try form.begin()
            try form.write([ByteBuffer(string: content)]) { _ in }
            form.end()
        }
        let names = ["a", "b"].map { FileName(cleaning: $0) }
        try form.record(names)
        #expect(try form.publish(names, limit: 64))
        let put = UnpublishedFiles(in: folder)
        try put.begin()
        try put.write([ByteBuffer(string: "put")]) { _ in }
        put.end()
        try put.publishOne(as: FileName(cleaning: "a"), Naming(replaces: true))
        _ = put.finish()
        #expect(form.discard(limit: 64))
        #expect(try directory.contents() == ["a"])
        #expect(try directory.read("a") == Data("put".utf8))
    }
}
