import Foundation
import TestSupport
import Testing

@testable import Receiver

@Suite("Server connections", .timeLimit(.minutes(2)))
struct ServerConnectionTests {
    private static let document = RunningServer.document([("x", Array("abc".utf8))])

    @Test("a connection persists after successes and errors") func kept() async throws {
        try await RunningServer.with { server in
            let statuses = try await server.connected { connection in
                let malformed = Array("--B\r\n\r\n\r\n--B--\r\n".utf8)
                return try [Self.document, malformed, Self.document].map { body in
                    try connection.ask(RunningServer.head(length: body.count), body).status
                }
            }
            #expect(statuses == [201, 400, 201])
        }
    }

    @Test("pipelined uploads and errors are answered in order") func pipelined() async throws {
        try await RunningServer.with { server in
            let bodies = try await server.connected { connection in
                let second = RunningServer.document([("second", [])])
                try connection.send(
                    Array(RunningServer.head(length: Self.document.count).utf8) + Self.document
                        + Array("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
                        + Array(RunningServer.head(length: second.count).utf8) + second
                )
                return try (0..<3).map { _ in try connection.receiveResponse().body }
            }
            #expect(try Answer(bodies[0].utf8).parts?.first?.filename == "x")
            #expect(try Answer(bodies[1].utf8).error != nil)
            #expect(try Answer(bodies[2].utf8).parts?.first?.filename == "second")
        }
    }

    @Test(
        "`Connection: close`, or a client that closes its sending side, ends the connection after the response",
        arguments: [(["Connection: close"], false), ([], true)] as [([String], Bool)])
    func closeRequested(fields: [String], finishes: Bool) async throws {
        try await RunningServer.with { server in
            let (response, rest) = try await server.lastResponse(
                to: RunningServer.head(length: Self.document.count, fields: fields), Self.document, finishes: finishes)
            #expect(response.status == 201)
            #expect(rest.isEmpty)
        }
    }

    @Test("a client that sends 32 MiB before it reads still gets an early response", arguments: [false, true])
    func earlyResponse(chunked: Bool) async throws {
        try await RunningServer.with { server in
            let size = 32 << 20
            let (response, rest) = try await server.connected { connection in
                try connection.send(RunningServer.head(path: "/nothing/here", length: chunked ? nil : size))
                let piece = [UInt8](repeating: 0, count: 1 << 20)
                // Sends the whole body before it reads.
                for _ in 0..<(size / piece.count) {
                    if chunked { try connection.send("100000\r\n") }
                    try connection.send(piece)
                    if chunked { try connection.send("\r\n") }
                }
                return (try connection.receiveResponse(), try connection.receiveToEnd())
            }
            #expect(response.status == 404)
            #expect(response.head.lowercased().contains("connection: close\r\n"))
            #expect(rest.isEmpty)
        }
    }

    @Test("a client that goes on sending gets an error about the middle of its body")
    func errorWithinBody() async throws {
        try await RunningServer.with { server in
            let size = 32 << 20
            let response = try await server.connected { connection in
                try connection.send(RunningServer.head(length: size))
                try connection.send("--B\r\nnonsense\r\n\r\n")
                for _ in 0..<31 { try connection.send([UInt8](repeating: 0, count: 1 << 20)) }
                return try connection.receiveResponse()
            }
            #expect(response.status == 400)
            #expect(try await server.contentsWhenSettled().isEmpty)
        }
    }

    @Test("after an early response the server discards only a limited number of bytes")
    func discardLimit() async throws {
        try await RunningServer.with(configure: { $0.connections.lingering.bytes = 1 << 20 }) { server in
            let sent = try await server.connected { connection in
                let response = try connection.ask(RunningServer.head(path: "/nothing/here", length: 1 << 40))
                #expect(response.status == 404)
                return connection.sendZeros()
            }
            // The limit and the buffers of the system.
            #expect(sent < 64 << 20)
            #expect(try await server.isAlive())
        }
    }

    @Test("after an early response the server closes the connection after a limited time")
    func lingeringTime() async throws {
        try await RunningServer.with(configure: { $0.connections.lingering.duration = .milliseconds(300) }) { server in
            let (status, rest, failed) = try await server.connected { connection in
                let status = try connection.ask(RunningServer.head(path: "/nothing/here", length: 1 << 40)).status
                // The server closes its sending side at once and still reads.
                let rest = try connection.receiveToEnd()
                let start = ContinuousClock.now
                var failed = false
                while !failed, ContinuousClock.now - start < .seconds(10) {
                    failed = (try? connection.send([0])) == nil
                    usleep(20_000)
                }
                return (status, rest, failed)
            }
            #expect(status == 404)
            #expect(rest.isEmpty)
            #expect(failed)
        }
    }

    @Test("an accepted upload with `Expect: 100-continue` gets a 100") func continues() async throws {
        try await RunningServer.with { server in
            let statuses = try await server.connected { connection in
                // Two uploads on one connection.
                try (0..<2).flatMap { _ in
                    let head = RunningServer.head(length: Self.document.count, fields: ["Expect: 100-continue"])
                    return [try connection.ask(head).status, try connection.ask("", Self.document).status]
                }
            }
            #expect(statuses == [100, 201, 100, 201])
        }
    }

    @Test(
        "a refused upload with `Expect: 100-continue` gets the error at once and no 100",
        arguments: [
            ("/nothing/here", "B", "X: y", 404), ("/", "\"a \"", "X: y", 400), ("/", "B", "Content-Encoding: br", 415),
        ])
    func refusedWithoutContinue(path: String, boundary: String, field: String, status: Int) async throws {
        try await RunningServer.with(configure: { $0.connections.lingering.duration = .seconds(60) }) { server in
            let start = ContinuousClock.now
            let (response, rest) = try await server.lastResponse(
                to: RunningServer.head(
                    path: path, boundary: boundary, length: 1 << 40, fields: ["Expect: 100-continue", field]
                ))
            #expect(response.status == status)
            #expect(rest.isEmpty)
            #expect(ContinuousClock.now - start < .seconds(20), "the connection is closed with the response")
        }
    }

    @Test("a 100 follows the response to the request before") func continueInOrder() async throws {
        try await RunningServer.with { server in
            let statuses = try await server.connected { connection in
                let waiting = RunningServer.head(length: Self.document.count, fields: ["Expect: 100-continue"])
                let first = try connection.ask(
                    RunningServer.head(length: Self.document.count), Self.document + waiting.utf8)
                let interim = try connection.receiveResponse()
                return [first.status, interim.status, try connection.ask("", Self.document).status]
            }
            #expect(statuses == [201, 100, 201])
        }
    }

    @Test("a server can stop while connections arrive") func stopsWhileAccepting() async throws {
        for _ in 0..<10 {
            try await RunningServer.with { server in
                let port = server.port
                try await RawConnection.onThread {
                    let connections = try (0..<64).map { _ in try RawConnection(port: port) }
                    for connection in connections { connection.close() }
                }
            }
        }
    }

    @Test("a storage that accepts nothing stops the sender") func backPressure() async throws {
        try await RunningServer.with(storage: { _ in SlowStorage(delay: .seconds(30)) }) { server in
            let start = RunningServer.document([("x", [])], close: "")
            let sent = try await server.zerosAccepted(
                after: RunningServer.head(length: 1 << 40) + String(decoding: start, as: UTF8.self))
            // The socket buffers of the system and a few reads.
            #expect(sent < 64 << 20)
        }
    }
}
