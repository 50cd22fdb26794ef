import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

/// Lost connections by phase, way of sending, and new or kept connection.
@Suite("Fault table, connections", .serialized, .timeLimit(.minutes(3)))
struct FaultTableConnectionTests {
    @Test("a reset is a lost connection", arguments: faultCases)
    func reset(way: Way, phase: Phase, isKept: Bool) async throws {
        let outcome = try await FaultExchange(way: way, phase: phase, isKept: isKept).run { $0.reset() }
        // Connecting may fail if the server reads nothing.
        let codes: [ClientError.Code] = phase == .beforeHead ? [.connectionLost, .connectionFailed] : [.connectionLost]
        #expect(outcome.error.map { codes.contains($0.code) } == true, "\(outcome)")
    }

    @Test("an orderly close is a lost connection", arguments: faultCases)
    func closed(way: Way, phase: Phase, isKept: Bool) async throws {
        let outcome = try await FaultExchange(way: way, phase: phase, isKept: isKept).run { try $0.hangUp() }
        #expect(outcome.error?.code == .connectionLost)
    }

    @Test("a stalled server is waited for until the task is cancelled", arguments: faultCases)
    func stalled(way: Way, phase: Phase, isKept: Bool) async throws {
        var exchange = FaultExchange(way: way, phase: phase, isKept: isKept)
        exchange.deadline = .milliseconds(300)
        exchange.isEndless = true
        let outcome = try await exchange.run { $0.stall() }
        #expect(outcome.error?.code == .cancelled)
    }
}
