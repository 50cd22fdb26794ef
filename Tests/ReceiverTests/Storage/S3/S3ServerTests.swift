import Foundation
import HTTPStreaming
import TestSupport
import Testing

@testable import Receiver

@Suite("Servers of an object store", .timeLimit(.minutes(6)))
struct S3ServerTests {
    private func server(
        _ store: ObjectStore, _ options: [String] = [], secretKey: String = ObjectStore.secretKey
    ) async throws -> ServerProcess {
        try await ServerProcess.start(
            [
                "--storage", "s3://bucket/some/folder", "--s3-endpoint", store.endpoint, "--s3-region", "us-east-1",
                "--log-level", "error",
            ] + options,
            environment: ["AWS_ACCESS_KEY_ID": ObjectStore.accessKey, "AWS_SECRET_ACCESS_KEY": secretKey])
    }

    private static let content = SeededGenerator.manyBytes(20_000_000, case: 98)

    private func put(_ content: [UInt8], _ name: String, to server: ServerProcess) async throws -> Response {
        try await Client().send(Request(.put, "\(server.url)/\(name)", content: .bytes(content)))
    }

    @Test("forms and files are stored, listed and sent, as with a directory", arguments: ObjectStore.Engine.allCases)
    func roundTrip(engine: ObjectStore.Engine) async throws {
        let store = try await S3Storage.startStore(engine)
        _ = try await S3Storage.open(store)
        let server = try await server(store)
        defer { server.process.terminate(SIGKILL) }
        let client = try Client(.post, server.url) { $0.contentCoding = .gzip(level: 1) }
        let small = Array("small".utf8)
        let stored = try await client.send(
            Part("a", .bytes(Self.content), filename: "größe.bin", contentType: "application/x-test"),
            Part("b", .bytes(small), filename: "small.txt"), .field("c", "d"))
        try await stored.requireSuccess()
        #expect(try await put(small, "small.txt", to: server).status == 200, "replaced")
        let list = try await Client().send(Request(.get, server.url + "/files")).text()
        #expect(list.contains("größe.bin") && list.contains("small.txt") && !list.contains("small (1)"), "\(list)")
        let file = try await Client().send(Request(.get, server.url + "/files/gr%C3%B6%C3%9Fe.bin"))
        #expect(file.headerFields["content-type"] == "application/x-test")
        #expect(firstDifference(try await file.bytes(limit: 32 << 20), Self.content) == nil)
        let tag = try #require(file.headerFields["etag"])
        for (fields, status) in [
            (["range": "bytes=10000000-10000009"], 206), (["if-none-match": tag], 304), (["if-match": "\"x\""], 412),
            (["range": "bytes=30000000-"], 416),
        ] as [(HeaderFields, Int)] {
            let response = try await Client().send(
                Request(.get, server.url + "/files/gr%C3%B6%C3%9Fe.bin", headerFields: fields))
            #expect(response.status == status)
            if status == 206 { #expect(try await response.bytes() == Array(Self.content[10_000_000..<10_000_010])) }
        }
        let condition = Request(
            .put, server.url + "/small.txt", headerFields: ["if-none-match": "*"], content: .bytes(small))
        #expect(try await Client().send(condition).status == 412)
    }

    @Test("two servers of one bucket give no name twice, and see each other's files") func twoServers() async throws {
        let store = try await S3Storage.startStore(.moto)
        _ = try await S3Storage.open(store)
        let servers = [try await server(store), try await server(store)]
        defer { for server in servers { server.process.terminate(SIGKILL) } }
        let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<20 {
                group.addTask {
                    let client = try Client(.post, servers[number % 2].url)
                    return try await client.send(Part("f", .bytes([UInt8(number)]), filename: "n.txt")).status
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses == Array(repeating: 201, count: 20))
        var contents: Set<[UInt8]> = []
        for number in 0..<20 {
            let name = number == 0 ? "n.txt" : "n%20(\(number)).txt"
            let file = try await Client().send(Request(.get, servers[number % 2].url + "/files/" + name))
            contents.insert(try await file.requireSuccess().bytes())
        }
        #expect(contents.count == 20)
    }

    @Test("of a server that is killed nothing is visible, and its upload is aborted later") func killed() async throws {
        let store = try await S3Storage.startStore(.moto)
        let storage = try await S3Storage.open(store)
        let first = try await server(store)
        defer { first.process.terminate(SIGKILL) }
        let isKilled = Shared(false)
        async let held: Void = first.connected { connection in
            try connection.send("PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 30000000\r\n\r\n")
            // Perhaps the server is killed before it has received all.
            try? connection.send(Self.content)
            // A connection that is closed ends the upload.
            while !isKilled.value { usleep(10_000) }
        }
        #expect(try await eventually { try await storage.unfinishedCount() == 1 })
        first.process.terminate(SIGKILL)
        _ = await first.process.result()
        isKilled.set(true)
        try await held
        let second = try await server(store, ["--abandoned-age", "2"])
        defer { second.process.terminate(SIGKILL) }
        #expect(try await put([1], "b", to: second).status == 201)
        let list = try await Client().send(Request(.get, second.url + "/files")).text()
        #expect(list.contains("\"b\"") && !list.contains("\"a\""), "\(list)")
        try await Task.sleep(for: .seconds(3))
        // The sweep at the start may have been too early.
        let third = try await server(store, ["--abandoned-age", "2"])
        defer { third.process.terminate(SIGKILL) }
        #expect(try await eventually { try await storage.unfinishedCount() == 0 })
    }

    @Test("clients get 500 for wrong credentials, and 503 with Retry-After for a store that is gone")
    func refusals() async throws {
        let store = try await S3Storage.startStore(.rclone)
        _ = try await S3Storage.open(store)
        let (wrong, right) = (try await server(store, secretKey: "wrong"), try await server(store))
        defer { for server in [wrong, right] { server.process.terminate(SIGKILL) } }
        for content in [[1], Self.content] as [[UInt8]] {
            let refused = try await put(content, "a", to: wrong)
            #expect(refused.status == 500)
            #expect(try await refused.text().contains("refuses the credentials"))
        }
        await store.kill()
        let client = try Client { $0.retry = .never }
        let gone = try await client.send(Request(.put, right.url + "/a", content: .bytes([1])))
        #expect(gone.status == 503 && gone.headerFields["retry-after"] != nil)
    }

    #if os(Linux)
    @Test("a full disk for temporary files gives 507, and leaves nothing in the store") func fullDisk() async throws {
        let store = try await S3Storage.startStore(.moto)
        let storage = try await S3Storage.open(store)
        guard let directory = try TemporaryDirectory(size: "4m") else { try Test.cancel("no file system") }
        let server = try await server(store, ["--temporary-dir", directory.path])
        defer { server.process.terminate(SIGKILL) }
        let form = try await Client(.post, server.url).send(
            Part("a", .bytes([1]), filename: "a"), Part("b", .bytes(Self.content), filename: "b"))
        #expect(form.status == 507)
        #expect(try await form.text().contains("full"))
        #expect(try await put(Self.content, "c", to: server).status == 507)
        #expect(try await put(Array(Self.content.prefix(3_000_000)), "d", to: server).status == 201)
        let names = try await storage.files(after: nil, limit: 10).files.map(\.name)
        #expect(names == ["d"])
        #expect(try await storage.unfinishedCount() == 0)
    }
    #endif
}
