import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Lost connections by phase, way of sending, and new or kept connection.
@Suite("Fault table, connections", .serialized, .timeLimit(.minutes(3)))
struct FaultTableConnectionTests {
    static let cases = Way.allCases.flatMap { way in
        Phase.allCases.flatMap { phase in [false, true].map { (way, phase, $0) } }
    }

    private func exchange(_ way: Way, _ phase: Phase, _ isKept: Bool) -> FaultExchange {
        FaultExchange(way: way, phase: phase, isKept: isKept)
    }

    @Test("a reset is a lost connection", arguments: cases)
    func reset(way: Way, phase: Phase, isKept: Bool) async throws {
        let outcome = try await exchange(way, phase, isKept).run { $0.reset() }
        // Connecting may fail if the server reads nothing.
        let codes: [ClientError.Code] = phase == .beforeHead ? [.connectionLost, .connectionFailed] : [.connectionLost]
        #expect(outcome.error.map { codes.contains($0.code) } == true, "\(outcome)")
    }

    @Test("an orderly close is a lost connection", arguments: cases)
    func closed(way: Way, phase: Phase, isKept: Bool) async throws {
        let outcome = try await exchange(way, phase, isKept).run { try $0.hangUp() }
        #expect(outcome.error?.code == .connectionLost)
    }

    @Test("a stalled server is waited for until the task is cancelled", arguments: cases)
    func stalled(way: Way, phase: Phase, isKept: Bool) async throws {
        var exchange = exchange(way, phase, isKept)
        exchange.deadline = .milliseconds(300)
        exchange.isEndless = true
        let outcome = try await exchange.run { $0.stall() }
        #expect(outcome.error?.code == .cancelled)
    }
}
