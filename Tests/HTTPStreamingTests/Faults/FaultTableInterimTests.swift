import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Interim responses (RFC 9110 §15.2) by phase and way of sending.
@Suite("Fault table, interim responses", .serialized, .timeLimit(.minutes(3)))
struct FaultTableInterimTests {
    private func run(
        _ way: Way, _ phase: Phase, _ fault: @escaping @Sendable (RawConnection) throws -> Void
    ) async throws -> Outcome {
        try await FaultExchange(way: way, phase: phase).run(fault)
    }

    @Test(
        "interim responses do not affect the final response or its fields",
        arguments: [[100], [100, 100, 100], [102], [103], [104], [199], [100, 102, 103, 103, 104]], Way.allCases
    )
    func beforeFinal(statuses: [Int], way: Way) async throws {
        for phase in [Phase.midBody, .afterBody] {
            let outcome = try await run(way, phase) { connection in
                for status in statuses {
                    try connection.sendInterim(
                        status, fields: "Location: /leak\r\nLink: </leak>\r\nSet-Cookie: a=leak\r\n")
                }
                try connection.respond(413, "because", fields: "X-Own: 1\r\n")
            }
            #expect(outcome.response?.status == 413 && outcome.content == "because", "\(outcome)")
            #expect(outcome.response?.headerFields.map(\.name) == ["Content-Length", "X-Own"])
        }
    }

    @Test("interim responses do not stop the body", arguments: Way.allCases) func whileSending(way: Way) async throws {
        let server = try FaultServer(receiveBuffer: 64 << 10) { connection in
            guard let head = try connection.readHead() else { return }
            var read = 0
            for status in [103, 102, 100, 100, 104] {
                try connection.sendInterim(status, fields: "Location: /upload/1\r\n")
                if status == 100 { read += try connection.readBody(of: head, atLeast: 100_000) }
            }
            try connection.readRest(of: head, after: read)
            try connection.respond(201, "all")
        }
        let client = try Client(.post, server.url) { if way == .coded { $0.contentCoding = .gzip() } }
        let outcome = await FaultExchange.withDeadline(.seconds(30)) {
            try await client.send(Part("file", .bytes(FaultExchange.content)), isUnclosed: way == .unclosed)
        }
        #expect(outcome.content == "all", "\(outcome)")
        #expect(try #require(outcome.response).bytesSent > FaultExchange.content.count)
    }

    @Test("a close after an interim response is a lost connection", arguments: [100, 103, 104], Phase.allCases)
    func andCloses(status: Int, phase: Phase) async throws {
        for way in Way.allCases {
            let closed = try await run(way, phase) {
                try $0.sendInterim(status)
                try $0.hangUp()
            }
            #expect(closed.error?.code == .connectionLost, "\(closed)")
            let reset = try await run(way, phase) {
                try $0.sendInterim(status)
                $0.reset()
            }
            #expect(reset.error?.code == .connectionLost || phase == .beforeHead, "\(reset)")
        }
    }

    @Test("a 101 instead of a response is an error at once", arguments: Way.allCases, Phase.allCases)
    func switchingProtocols(way: Way, phase: Phase) async throws {
        for upgrade in ["h2c", "websocket"] {
            let outcome = try await run(way, phase) {
                try $0.sendInterim(101, fields: "Connection: Upgrade\r\nUpgrade: \(upgrade)\r\n")
                $0.stall()
            }
            #expect(outcome.error?.code == .invalidResponse, "\(outcome)")
            #expect(outcome.error?.message.contains("101") == true)
        }
    }

    @Test("300 KiB of interim responses are too many") func endless() async throws {
        let outcome = try await run(.send, .afterBody) {
            for _ in 0..<310 { try $0.sendInterim(103, fields: RawConnection.headerLines(kibibytes: 1)) }
            try $0.hangUp()
        }
        #expect(outcome.error?.code == .invalidResponse, "\(outcome)")
    }

    @Test("1,000 interim responses are too many, however short") func tooMany() async throws {
        for (count, isTooMany) in [(900, false), (1100, true)] {
            let outcome = try await run(.send, .afterBody) {
                for _ in 0..<count { try $0.sendInterim(103) }
                try $0.respond(201, "stored")
            }
            #expect(outcome.content == (isTooMany ? nil : "stored"), "\(outcome)")
            #expect(outcome.error?.code == (isTooMany ? .invalidResponse : nil))
            #expect(outcome.error?.message.contains("interim") == (isTooMany ? true : nil), "\(outcome)")
        }
    }

    @Test("interim responses, or the lines of a header, extend the wait for ten times the stall limit at most")
    func slow() async throws {
        for line in ["HTTP/1.1 102 Interim\r\n\r\n", "A: b\r\n"] {
            let server = try FaultServer { connection in
                _ = try connection.readRequest()
                if line.hasPrefix("A") { try connection.send("HTTP/1.1 200 OK\r\n") }
                // For 30 s, or until the client has closed the connection.
                for _ in 0..<600 {
                    try connection.send(line)
                    usleep(50_000)
                }
            }
            defer { server.stop() }
            let client = try Client(.post, server.url) { $0.stallTimeout = .milliseconds(300) }
            let start = ContinuousClock.now
            let outcome = await FaultExchange.withDeadline(.seconds(25)) { try await client.send([.field("a", "b")]) }
            #expect(outcome.error?.code == .timedOut, "\(outcome)")
            #expect(outcome.error?.message.contains("no complete head") == true, "\(outcome)")
            #expect(ContinuousClock.now - start > .milliseconds(2900))
        }
    }
}
