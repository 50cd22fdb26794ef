#if os(Linux)
import Foundation
import TestSupport
import Testing

@Suite("Many files", .timeLimit(.minutes(4)), .serialized)
struct ManyFilesTests {
    private func put(_ port: Int, _ name: String) async throws -> (status: Int, time: Duration) {
        try await RawConnection.onThread {
            let start = ContinuousClock.now
            let connection = try RawConnection(port: port, deadline: .seconds(60))
            let head = "PUT /\(name) HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
            return (try connection.ask(head, [1]).status, ContinuousClock.now - start)
        }
    }

    @Test("20 requests with 500 open parts each leave descriptors for others") func openParts() async throws {
        let server = try await ServerProcess.start(["--log-level", "error"], through: "ulimit -n 150; exec \"$@\"")
        defer { server.process.terminate(SIGKILL) }
        let port = server.port
        let parts = RunningServer.document((0..<500).map { ("\($0)", [1]) }, close: "")
        try await RawConnection.onThread {
            let connections = try (0..<20).map { _ in
                let connection = try RawConnection(port: port, deadline: .seconds(60))
                try connection.send(RunningServer.head(length: parts.count + 7))
                try connection.send(parts)
                return connection
            }
            // The parts are being stored meanwhile.
            for number in 0..<20 {
                let head = "PUT /other\(number) HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n"
                #expect(try RawConnection(port: port, deadline: .seconds(60)).ask(head, [1]).status == 201)
                usleep(50_000)
            }
            for connection in connections {
                try connection.send("--B--\r\n")
                #expect(try connection.receiveResponse().status == 201)
            }
        }
        #expect(try server.directory.contents().count == 20 * 500 + 20)
    }

    @Test("requests with hundreds of parts of one name, in a folder full of that name, delay no others")
    func oneName() async throws {
        let directory = try TemporaryDirectory()
        try directory.write([], to: "n.txt")
        for number in 1..<3000 { try directory.write([], to: "n (\(number)).txt") }
        let options = ["--dir", directory.path, "--log-level", "error", "--durability", "relaxed"]
        let server = try await ServerProcess.start(options, deadline: .seconds(240))
        defer { server.process.terminate(SIGKILL) }
        let port = server.port
        let body = RunningServer.document(Array(repeating: ("n.txt", [1]), count: 500))
        let start = ContinuousClock.now
        let (slowest, whole) = try await withThrowingTaskGroup(of: (Duration, Duration).self) { group in
            for _ in 0..<8 {
                group.addTask {
                    try await RawConnection.onThread {
                        let connection = try RawConnection(port: port, deadline: .seconds(200))
                        #expect(try connection.ask(RunningServer.head(length: body.count), body).status == 201)
                        return (.zero, ContinuousClock.now - start)
                    }
                }
            }
            group.addTask {
                var slowest = Duration.zero
                for number in 0..<20 {
                    let (status, time) = try await put(port, "other\(number)")
                    #expect(status == 201)
                    slowest = max(slowest, time)
                }
                return (slowest, .zero)
            }
            return try await group.reduce((.zero, .zero)) { (max($0.0, $1.0), max($0.1, $1.1)) }
        }
        print("8 requests of 500 parts of one name took \(whole), the slowest other upload \(slowest)")
        #expect(slowest < .seconds(15))
        #expect(whole < .seconds(100))
        #expect(try directory.contents().count == 3000 + 8 * 500 + 20)
        for number in 3000..<7000 {
            #expect(FileManager.default.fileExists(atPath: directory.path("n (\(number)).txt")))
        }
    }

    @Test("100 simultaneous uploads of one name get 100 names") func oneNameAtOnce() async throws {
        try await RunningServer.with { server in
            let body = RunningServer.document([("n.txt", [1])])
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<100 { group.addTask { try await server.post(body).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses == Array(repeating: 201, count: 100))
            let expected = ["n.txt"] + (1..<100).map { "n (\($0)).txt" }
            #expect(try server.directory.contents() == expected.sorted())
        }
    }
}
#endif
