import Foundation
import TestSupport
import Testing

@Suite("A log that is not read", .timeLimit(.minutes(3)), .serialized)
struct LogQueueTests {
    /// Starts a server whose log is a named pipe.
    ///
    /// - Returns: the server, and a descriptor that reads the pipe.
    private static func start(_ arguments: [String] = []) async throws -> (server: ServerProcess, log: FileHandle) {
        let directory = try TemporaryDirectory()
        let path = directory.path("log")
        guard mkfifo(path, 0o600) == 0 else { throw FaultError("no named pipe: \(errno)") }
        // Otherwise the shell would wait for a reader.
        let log = open(path, O_RDONLY | O_NONBLOCK)
        let server = try await ServerProcess.start(
            arguments, environment: ["LOG": path], through: "exec \"$@\" 2>\"$LOG\"")
        _ = fcntl(log, F_SETFL, 0)
        return (server, FileHandle(fileDescriptor: log, closeOnDealloc: true))
    }

    private static func ask(_ numbers: Range<Int>, _ server: ServerProcess) async throws {
        try await server.connected { connection in
            for number in numbers {
                let status = try connection.ask("GET /echo/\(number) HTTP/1.1\r\nHost: x\r\n\r\n").status
                #expect(status == 200)
            }
        }
    }

    @Test("requests are answered; the log is complete if it fits into the queue", arguments: [false, true])
    func unread(isRead: Bool) async throws {
        let (server, log) = try await Self.start()
        // The pipe holds 64 KiB, or 600 lines.
        try await Self.ask(0..<3000, server)
        // The server waits some seconds for a reader when it ends.
        let reading = Task {
            try await RawConnection.onThread {
                if !isRead { usleep(100_000) }
                return try log.readToEnd() ?? Data()
            }
        }
        if isRead { try await Task.sleep(for: .milliseconds(200)) }
        server.process.terminate()
        #expect(await server.process.result().status == 0)
        let lines = String(decoding: try await reading.value, as: UTF8.self).split(separator: "\n")
        let paths = lines.compactMap { $0.firstMatch(of: /GET \/echo\/([0-9]+) 200/)?.1 }
        #expect(paths == (0..<3000).map { "\($0)" })
    }

    @Test("lines above the limit are dropped, and counted in the next line", arguments: ["text", "json"])
    func dropped(format: String) async throws {
        let (server, log) = try await Self.start(["--log-format", format])
        try await Self.ask(0..<16_000, server)
        let reading = Task { try await RawConnection.onThread { try log.readToEnd() ?? Data() } }
        try await Task.sleep(for: .seconds(1))
        try await Self.ask(16_000..<16_001, server)
        server.process.terminate()
        #expect(await server.process.result().status == 0)
        let lines = String(decoding: try await reading.value, as: UTF8.self).split(separator: "\n")
        let notes = lines.indices.filter { lines[$0].contains("lines were dropped") }
        let note = try #require(notes.first)
        let count = lines[note].firstMatch(of: /([0-9]+) lines were dropped/).flatMap { Int($0.1) } ?? 0
        #expect(notes.count == 1)
        #expect(lines.count - 1 + count == 16_001, "\(lines.count) lines, \(count) dropped")
        #expect(lines[note - 1].contains("/echo/\(note - 1) 200"), "the lines before the dropped ones are in order")
        #expect(lines.last?.contains("/echo/16000 200") == true)
        if format == "json" {
            for line in lines {
                #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
            }
        }
    }

    @Test("a server whose log nobody can read any more goes on, and ends") func closed() async throws {
        let (server, log) = try await Self.start()
        try log.close()
        try await Self.ask(0..<100, server)
        server.process.terminate()
        #expect(await server.process.result().status == 0)
    }
}
