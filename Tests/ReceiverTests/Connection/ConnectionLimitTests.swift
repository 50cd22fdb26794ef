#if os(Linux)
import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Limits of connections and descriptors", .timeLimit(.minutes(6)), .serialized)
struct ConnectionLimitTests {
    private static let health = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n"

    /// Of all processors together, in seconds.
    private static func processorTime(of process: Subprocess) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8)
        // The name of the program, which may have spaces, ends with the last parenthesis. The fields after it begin with
        // the third: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        return [12, 13].reduce(0) { $0 + (Double(fields[$1]) ?? 0) } / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    @Test("without free descriptors the server goes on, does not spin, and accepts when one is free")
    func noDescriptors() async throws {
        let server = try await ServerProcess.start(
            ["--max-connections", "1000", "--discard"], through: "ulimit -n 60; exec \"$@\"")
        let (process, port) = (server.process, server.port)
        let seconds = try await RawConnection.onThread {
            let first = try RawConnection(port: port)
            #expect(try first.ask(Self.health).status == 200)
            var others = try (0..<100).map { _ in try RawConnection(port: port) }
            usleep(500_000)
            let before = try Self.processorTime(of: process)
            usleep(2_000_000)
            let seconds = try Self.processorTime(of: process) - before
            #expect(try first.ask(Self.health).status == 200, "a connection that is open is served")
            #expect(try others[0].ask(Self.health).status == 200)
            others.removeFirst(80)
            #expect(try RawConnection(port: port).ask(Self.health).status == 200)
            return seconds
        }
        print("processor time in 2 s without free descriptors: \(seconds) s")
        #expect(seconds < 0.5)
        process.terminate()
        let messages = await process.result().errorOutput.split(separator: "\n").filter { $0.contains("cannot accept") }
        #expect(messages.count == 1)
        #expect(messages.first?.hasSuffix("cannot accept more connections: Too many open files") == true, "\(messages)")
    }

    @Test("by default connections leave half of the descriptors to files") func defaultLimit() async throws {
        let server = try await ServerProcess.start(through: "ulimit -n 200; exec \"$@\"")
        let port = server.port
        let process = server.process
        let sockets: @Sendable () throws -> Int = {
            try openDescriptors(of: process.processIdentifier) { $0.hasPrefix("socket:") }
        }
        // Besides the listening socket, the server may have inherited sockets of tests that run at the same time.
        let before = try sockets()
        let open = try await RawConnection.onThread {
            let connections = try (0..<150).map { _ in try RawConnection(port: port) }
            for connection in connections[..<68] { #expect(try connection.ask(Self.health).status == 200) }
            let body = RunningServer.document([("x", Array(repeating: 1, count: 1000))])
            #expect(try connections[0].ask(RunningServer.head(length: body.count), body).status == 201)
            return try sockets() - before
        }
        // The limit is 200 / 2 - 32. The server may accept a few more in the same turn of its event loop.
        #expect((68...90).contains(open), "\(open)")
        process.terminate()
        let output = await process.result().errorOutput
        #expect(output.contains("68 connections are open; more wait until one is closed: see --max-connections"))
        #expect(try server.directory.contents() == ["x"])
    }

    @Test("connections above the limit wait until one is closed") func waiting() async throws {
        try await RunningServer.with(configure: { $0.connections.maximum = 1 }) { server in
            let port = server.port
            try await RawConnection.onThread {
                let first = try RawConnection(port: port)
                #expect(try first.ask(Self.health).status == 200)
                // What is accepted in one turn.
                let others = try (0..<40).map { _ in try RawConnection(port: port) }
                for connection in others { try connection.send(Self.health) }
                #expect(!others[39].isReadable(within: 300))
                first.close()
                for connection in others {
                    #expect(try connection.receiveResponse().status == 200)
                    connection.close()
                }
            }
        }
    }
}
#endif
