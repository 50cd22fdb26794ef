import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Early answers by phase, way of sending, and new or kept connection.
@Suite("Fault table, early answers", .serialized, .timeLimit(.minutes(3)))
struct FaultTableAnswerTests {
    /// What a server does after its answer.
    enum Ending: CaseIterable { case readsOn, closes, resets }

    private func run(_ status: Int, _ each: FaultCase, _ ending: Ending = .readsOn) async throws -> Outcome {
        try await FaultExchange(way: each.way, phase: each.phase, isKept: each.isKept).run {
            let fields = status < 400 ? "Location: /elsewhere\r\n" : ""
            try $0.respond(status, "because", fields: ending == .readsOn ? fields : fields + "Connection: close\r\n")
            switch ending {
            case .readsOn: break
            case .closes: try $0.hangUp()
            case .resets: $0.reset()
            }
        }
    }

    private func expectAnswer(_ outcome: Outcome, _ status: Int, _ phase: Phase) {
        #expect(outcome.response?.status == status, "\(outcome)")
        #expect(outcome.content == "because", "\(outcome)")
        // Nothing more is sent after a refusal.
        if phase == .beforeBody { #expect(outcome.response?.bytesSent == 0) }
        if phase == .midBody { #expect(outcome.response.map { $0.bytesSent < FaultExchange.content.count } == true) }
    }

    @Test("a refusal is the response", arguments: [401, 413, 503], faultCases)
    func refused(status: Int, each: FaultCase) async throws {
        expectAnswer(try await run(status, each), status, each.phase)
    }

    @Test("a refusal before the server closes is the response", arguments: [401, 413, 503], faultCases)
    func refusedAndClosed(status: Int, each: FaultCase) async throws {
        expectAnswer(try await run(status, each, .closes), status, each.phase)
    }

    @Test("a refusal before the server resets is the response; its content may be lost", arguments: faultCases)
    func refusedAndReset(each: FaultCase) async throws {
        let outcome = try await run(413, each, .resets)
        // If the server has read nothing, the reset may arrive before the answer.
        if each.phase == .beforeHead, outcome.error != nil { return }
        #expect(outcome.response?.status == 413, "\(outcome)")
        if outcome.content == nil { #expect(outcome.error?.code == .connectionLost) }
    }

    @Test(
        "a redirect or a 411 is the response if the body cannot be sent again",
        arguments: [301, 307, 411, 501],
        faultCases.filter { $0.way == .unclosed && ($0.phase == .midBody || $0.phase == .afterBody) }
    )
    func wished(status: Int, each: FaultCase) async throws {
        expectAnswer(try await run(status, each), status, each.phase)
    }

    @Test("a 417 repeats the request without Expect if it had one; a second one is the response", arguments: faultCases)
    func expectationFailed(each: FaultCase) async throws {
        let outcome = try await run(417, each)
        if outcome.response?.status == 201 {
            // On the same connection.
            #expect(each.phase == .beforeHead || each.phase == .beforeBody, "\(outcome)")
        } else {
            // On another one, where it happens again.
            #expect(outcome.response?.status == 417 && outcome.content == "because", "\(outcome)")
        }
    }

    @Test("an early success is returned only after the whole body was sent", arguments: faultCases)
    func success(each: FaultCase) async throws {
        let outcome = try await run(200, each)
        guard each.phase == .midBody || each.phase == .afterBody || outcome.response != nil else {
            // libcurl up to 8.6 ends the wait for a 100 without sending anything.
            #expect(outcome.error?.code == .connectionLost)
            #expect(outcome.error?.message.contains("status 200, before the whole body was sent") == true)
            #expect(outcome.error?.bytesSent == 0)
            return
        }
        #expect(outcome.content == "because", "\(outcome)")
        #expect(outcome.response.map { $0.bytesSent > FaultExchange.content.count } == true)
    }

    @Test("a large success in place of a 100: the body is sent, and the content is read whole")
    func successInPlaceOfContinue() async throws {
        let server = try FaultServer { connection in
            guard let head = try connection.readHead() else { return }
            try connection.respondPartly(200, length: 400_000, sent: 400_000)
            try connection.readRest(of: head, after: 0)
        }
        let client = try Client(.post, server.url)
        let outcome = await FaultExchange.withDeadline(.seconds(30)) {
            for _ in 0..<3 { try await client.sendUnclosed(Part("file", .bytes(FaultExchange.small))) }
            return try await client.close()
        }
        #expect(outcome.content?.utf8.count == 400_000, "\(outcome)")
    }
}
