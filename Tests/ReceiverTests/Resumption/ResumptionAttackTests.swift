import Foundation
import TestSupport
import Testing

@testable import Receiver

/// What clients and others may do to unfinished uploads, and what becomes of it.
@Suite("Attacks on unfinished uploads", .timeLimit(.minutes(2)))
struct ResumptionAttackTests {
    private static let incomplete = ["Upload-Complete: ?0"]

    private static func location(_ answer: ResumingClient.Answer) throws -> String { try #require(answer.location) }

    /// The folder of an upload.
    private static func folder(_ location: String) -> String {
        ".http-streaming-unfinished-" + location.dropFirst("/.uploads/".count)
    }

    @Test("little is read of a body that does not continue the upload") func repeatedBody() async throws {
        try await RunningServer.with { server in
            let begun = try await server.resuming.ask("PUT", "/a", ["Upload-Complete: ?0"], [1, 2, 3])
            let fields = ResumingClient.patch(0) + ["Content-Length: 1000000000"]
            let head = ["PATCH \(try #require(begun.location)) HTTP/1.1", "Host: x"] + fields
            let sent = try await server.zerosAccepted(after: head.joined(separator: "\r\n") + "\r\n\r\n")
            // What the systems of both sides buffer.
            #expect(sent < 32 << 20)
        }
    }

    @Test("locations that nobody was told do not exist, and no path leads out") func guessed() async throws {
        try await RunningServer.with { server in
            let location = try Self.location(try await server.resuming.ask("PUT", "/a", Self.incomplete, [1]))
            let other = location.dropLast() + (location.last == "0" ? "1" : "0")
            for path in [
                String(other), "/.uploads/", "/.uploads/x", "/.uploads/..%2f..%2fa", location.uppercased(),
                location + "/", location + "0", String(location.dropLast()), "/.uploads/" + Self.folder(location),
            ] {
                for method in ["HEAD", "PATCH", "DELETE"] {
                    let fields = method == "PATCH" ? ResumingClient.patch(1) : []
                    #expect(try await server.resuming.ask(method, path, fields).status == 404, "\(method) \(path)")
                }
            }
            // Neither listed nor sent.
            for path in ["/files/" + Self.folder(location), "/files/" + Self.folder(location) + "/0"] {
                #expect(try await server.get(path).status == 404)
            }
            #expect(try await server.resuming.status(location).final.offset == 1)
        }
    }

    @Test("a wrong token, or none, tells nothing of uploads; those of another token do not exist")
    func tokens() async throws {
        let directory = try TemporaryDirectory()
        let right = ["Authorization: Bearer right"]
        let location = try await RunningServer.with(directory: directory, configure: { $0.access.token = "right" }) {
            server in
            let unauthorized = try await server.resuming.ask("PUT", "/a", Self.incomplete, [1])
            #expect(unauthorized.status == 401 && unauthorized.interim.isEmpty)
            let client = ResumingClient(port: server.port, fields: right)
            let location = try Self.location(try await client.ask("PUT", "/a", Self.incomplete, [1]))
            for fields in [[], ["Authorization: Bearer wrong"], ["Authorization: Basic right"]] {
                let other = ResumingClient(port: server.port, fields: fields)
                for location in [location, String(location.dropLast(4)) + "0000"] {
                    #expect(try await other.status(location).status == 401)
                    #expect(try await other.append([2], at: 1, to: location).status == 401)
                    #expect(try await other.ask("DELETE", location).status == 401)
                }
            }
            #expect(try await client.status(location).status == 204)
            return location
        }
        // The server gets another token: the upload belongs to the old one.
        try await RunningServer.with(directory: directory, configure: { $0.access.token = "new" }) { server in
            for (token, expected) in [("right", 401), ("new", 404)] {
                let client = ResumingClient(port: server.port, fields: ["Authorization: Bearer \(token)"])
                let status = try await client.status(location).status
                #expect(status == expected)
            }
        }
        try await RunningServer.with(directory: directory, configure: { $0.access.token = "right" }) { server in
            let client = ResumingClient(port: server.port, fields: right)
            let status = try await client.append([2], at: 1, to: location).status
            #expect(status == 201)
        }
        let record = try directory.read(Self.folder(location) + "/request")
        #expect(!String(decoding: record, as: UTF8.self).contains("right"))
    }

    @Test("pages of other origins cannot touch an upload") func origins() async throws {
        try await RunningServer.with { server in
            let location = try Self.location(try await server.resuming.ask("PUT", "/a", Self.incomplete, [1]))
            let page = ResumingClient(port: server.port, fields: ["Origin: https://evil.example"])
            #expect(try await page.ask("DELETE", location).status == 403)
            #expect(try await server.resuming.status(location).status == 204)
        }
    }

    @Test("more uploads, or more bytes, than allowed are refused; those that exist go on") func quota() async throws {
        try await RunningServer.with(configure: {
            $0.resumption.count = 10
            $0.resumption.bytes = 1000
        }) { server in
            var locations: [String] = []
            for index in 0..<10 {
                let answer = try await server.resuming.ask("PUT", "/f\(index)", Self.incomplete, [1])
                locations.append(try Self.location(answer))
            }
            for index in 0..<20 {
                let answer = try await server.resuming.ask("PUT", "/g\(index)", Self.incomplete, [1])
                #expect(answer.status == 507 && answer.interim.isEmpty && answer.body.contains("--max-unfinished"))
            }
            #expect(try server.hidden().count == 10)
            // Ordinary uploads do not count.
            #expect(try await server.request("PUT", "/ordinary", body: [1]).status == 201)
            let large = [UInt8](repeating: 0, count: 1000)
            let answer = try await server.resuming.append(large, at: 1, to: locations[0], isLast: false)
            #expect(answer.status == 204)
            let refused = try await server.resuming.append([2], at: 1, to: locations[1], isLast: false)
            #expect(refused.status == 507 && refused.body.contains("--max-unfinished-size"))
            #expect(try await server.resuming.ask("DELETE", locations[0]).status == 204)
            #expect(try await server.resuming.append([2], at: 1, to: locations[1]).status == 201)
            #expect(try await server.resuming.ask("PUT", "/again", Self.incomplete, [1]).status == 201)
        }
    }

    /// `UNFINISHED_UPLOADS` sets how many.
    @Test("thousands of unfinished uploads cost no memory, and no other upload waits for them") func thousands()
        async throws
    {
        let count = ProcessInfo.processInfo.environment["UNFINISHED_UPLOADS"].flatMap { Int($0) } ?? 500
        let server = try await ServerProcess.start(
            ["--max-unfinished", "\(count)", "--durability", "relaxed", "--log-level", "error"])
        let client = ResumingClient(port: server.port)
        let first = try Self.location(try await client.ask("PUT", "/a", Self.incomplete, [1]))
        for _ in 1..<65 { _ = try await client.ask("PUT", "/b", Self.incomplete, [1]) }
        let memory = try server.memory
        let start = ContinuousClock.now
        for _ in 65..<count { _ = try await client.ask("PUT", "/b", Self.incomplete, [1]) }
        print(
            "ResumptionAttackTests: \(count) unfinished uploads: \(ContinuousClock.now - start), \(try server.memory - memory) KiB"
        )
        #expect(try await client.ask("PUT", "/b", Self.incomplete, [1]).status == 507)
        // 200 bytes each, besides what the first ones have left in the caches of the allocator.
        #expect(try server.memory - memory < 4 << 10 + count / 5)
        #expect(try await client.append([2], at: 1, to: first).status == 201)
        #expect(try server.directory.read("a") == Data([1, 2]))
        #expect(try await client.ask("PUT", "/b", Self.incomplete, [1]).status == 201)
    }

    @Test("the quota counts the uploads of an earlier process") func quotaAfterRestart() async throws {
        let directory = try TemporaryDirectory()
        try await RunningServer.with(directory: directory) { server in
            for index in 0..<3 { _ = try await server.resuming.ask("PUT", "/f\(index)", Self.incomplete, [1]) }
        }
        try await RunningServer.with(directory: directory, configure: { $0.resumption.count = 3 }) { server in
            let isCounted = try await eventually {
                try await server.resuming.ask("PUT", "/g", Self.incomplete, [1]).status == 507
            }
            #expect(isCounted)
        }
    }

    @Test("an upload that does not go on is removed, one that is being written is not") func expiry() async throws {
        try await RunningServer.with(configure: { $0.resumption.age = .seconds(1) }) { server in
            let location = try Self.location(try await server.resuming.ask("PUT", "/a", Self.incomplete, [1, 2]))
            let port = server.port
            let status = try await RawConnection.onThread {
                let writing = try RawConnection(port: port)
                try writing.send(
                    "PUT /b HTTP/1.1\r\nHost: x\r\nUpload-Draft-Interop-Version: 8\r\nUpload-Complete: ?1\r\n"
                        + "Content-Length: 2\r\n\r\n")
                _ = try ResumingClient.head(writing)
                try writing.send([1])
                Thread.sleep(forTimeInterval: 5)
                try writing.send([2])
                return try ResumingClient.head(writing).status
            }
            #expect(status == 201)
            // Asking would keep it.
            let isExpired = try await eventually { try !server.hidden().contains(Self.folder(location)) }
            #expect(isExpired)
            #expect(try await server.resuming.status(location).status == 404)
            #expect(try server.visible() == ["b"])
            let isRemoved = try await eventually { try server.hidden().isEmpty }
            #expect(isRemoved)
        }
    }

    @Test("of overlapping requests only the last one writes") func overlapping() async throws {
        try await RunningServer.with { server in
            let content = SeededGenerator.bytes(3_000_000, case: 100)
            let location = try Self.location(try await server.resuming.ask("PUT", "/a", Self.incomplete, []))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        // Those that are ended early lose their connection.
                        _ = try? await server.resuming.append(content, at: 0, to: location, isLast: false)
                    }
                }
                try await group.waitForAll()
            }
            let offset = try #require(try await server.resuming.status(location).final.offset)
            #expect(offset <= content.count)
            let answer = try await server.resuming.append(Array(content[offset...]), at: offset, to: location)
            #expect(answer.status == 201)
            #expect(
                try firstDifference([UInt8](server.directory.read("a")), content) == nil, "seed \(SeededGenerator.seed)"
            )
        }
    }

    @Test(
        "records that somebody has changed are a clear error, and nothing is stored",
        arguments: ["request", "body", "0", "missing body", "missing 0", "swapped"])
    func tampered(file: String) async throws {
        let directory = try TemporaryDirectory()
        let form = RunningServer.document([("a", [UInt8](repeating: 7, count: 50_000)), ("b", [1])])
        let location = try await RunningServer.with(directory: directory) { server in
            let first = try await server.resuming.ask(
                "POST", "/", AwkwardForm.fields + Self.incomplete, Array(form[..<20_000]))
            let location = try Self.location(first)
            _ = try await server.resuming.append(Array(form[20_000..<40_000]), at: 20_000, to: location, isLast: false)
            return location
        }
        let folder = directory.path(Self.folder(location))
        func change(_ name: String, _ change: (inout [UInt8]) -> Void) throws {
            var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
            change(&bytes)
            try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
        }
        switch file {
        case "request": try change("request") { $0[3] ^= 1 }
        case "body": try change("body") { $0[8] ^= 1 }
        case "0": try change("0") { $0.removeLast() }
        case "missing 0": try FileManager.default.removeItem(atPath: folder + "/0")
        case "missing body": try FileManager.default.removeItem(atPath: folder + "/body")
        default:
            // An entry that says that there is content of a file that has not begun.
            try change("body") { $0 += BodyRecord.entry([.content(file: 1, count: 5)]) }
        }
        try await RunningServer.with(directory: directory) { server in
            let status = try await server.resuming.status(location)
            if file == "missing body" {
                // Nothing was received, as far as the server knows.
                #expect(status.final.offset == 0)
            } else {
                #expect(status.status == 500)
                let answer = try await server.resuming.append(Array(form[40_000...]), at: 40_000, to: location)
                #expect(answer.status == 500 && answer.body.contains("damaged"), "\(answer)")
            }
            #expect(try server.visible().isEmpty)
            #expect(try await server.resuming.ask("DELETE", location).status == 204 || file == "request")
            #expect(try await server.isAlive())
        }
    }

    @Test("with --max-unfinished 0 nothing is kept: whole uploads are ordinary ones") func off() async throws {
        try await RunningServer.with(configure: { $0.resumption.count = 0 }) { server in
            let whole = try await server.resuming.ask("PUT", "/a", ["Upload-Complete: ?1"], [1])
            #expect(whole.status == 201 && whole.interim.isEmpty)
            #expect(try await server.resuming.ask("PUT", "/b", Self.incomplete, [1]).status == 400)
            #expect(try server.directory.contents() == ["a"])
        }
    }
}
