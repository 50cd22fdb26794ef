import Platform
import Testing

@testable import HTTPStreaming

/// Sending held back for several reasons at a time: by the caller, by the rate limit, for want of
/// content or of parts.
@Suite("Transfer.StateMachine, control", .timeLimit(.minutes(3)))
struct TransferStateMachineControlTests {
    typealias Machine = Transfer.StateMachine

    private let now = Instant.now
    private var later: Instant { now + .seconds(1) }

    private func held() -> Machine {
        var machine = Machine(hasBody: true, isHeld: true)
        #expect(machine.readRequested() == .pause)
        #expect(machine.upload == .held)
        return machine
    }

    private func throttled() -> Machine {
        var machine = Machine(hasBody: true)
        #expect(machine.readRequested() == .fill)
        machine.allowanceSpent(until: later)
        #expect(machine.upload == .throttled(until: later))
        return machine
    }

    @Test("a pause takes effect when libcurl asks next, and is resumed once") func pause() {
        var machine = Machine(hasBody: true)
        // libcurl has not asked, and need not be told.
        #expect(machine.controlChanged(isHeld: true) == .none)
        #expect(machine.controlChanged(isHeld: true) == .none)
        #expect(!machine.isUploadPaused)
        #expect(machine.readRequested() == .pause)
        #expect(machine.isUploadPaused)
        #expect(machine.controlChanged(isHeld: true) == .none)
        #expect(machine.controlChanged(isHeld: false) == .resume)
        #expect(machine.controlChanged(isHeld: false) == .none)
        #expect(machine.readRequested() == .fill)
        // Resumed before libcurl has noticed.
        _ = machine.controlChanged(isHeld: true)
        #expect(machine.controlChanged(isHeld: false) == .none)
        #expect(machine.readRequested() == .fill)
    }

    @Test("data that arrives while sending is starved still waits for the pause to end") func pausedForTwoReasons() {
        var starved = Machine(hasBody: true)
        starved.bodyRanDry()
        #expect(starved.controlChanged(isHeld: true) == .none)
        #expect(starved.milestone(isFinished: false) == .partsSent)
        #expect(starved.partsAdded() == .resume)
        #expect(starved.readRequested() == .pause)
        #expect(starved.upload == .held)
        #expect(starved.milestone(isFinished: true) == .none)
        #expect(starved.controlChanged(isHeld: false) == .resume)
        #expect(starved.readRequested() == .fill)

        var waiting = Machine(hasBody: true)
        waiting.contentAwaited()
        #expect(waiting.controlChanged(isHeld: true) == .none)
        #expect(waiting.controlChanged(isHeld: false) == .none)
        #expect(waiting.upload == .waiting)
        _ = waiting.controlChanged(isHeld: true)
        #expect(waiting.contentArrived() == .resume)
        #expect(waiting.readRequested() == .pause)
        #expect(waiting.contentArrived() == .none)

        var yielding = Machine(hasBody: true)
        yielding.answerSeen()
        #expect(yielding.controlChanged(isHeld: true) == .none)
        #expect(yielding.answerRead() == .resume)
        #expect(yielding.readRequested() == .pause)
        #expect(yielding.upload == .held)
    }

    @Test("a throttled upload waits for its time, also when parts arrive, and asks again for a new rate")
    func throttling() {
        var machine = throttled()
        #expect(machine.isUploadPaused)
        #expect(machine.readRequested() == .pause)
        #expect(machine.timePassed(now) == .none)
        #expect(machine.partsAdded() == .none)
        #expect(machine.contentArrived() == .none)
        #expect(machine.timePassed(later) == .resume)
        #expect(machine.timePassed(later) == .none)
        #expect(machine.readRequested() == .fill)
        machine.bodyEnded()
        #expect(machine.upload == .complete)

        var faster = throttled()
        #expect(faster.controlChanged(isHeld: false) == .resume)
        #expect(faster.readRequested() == .fill)

        var paused = throttled()
        #expect(paused.controlChanged(isHeld: true) == .resume)
        #expect(paused.readRequested() == .pause)
        #expect(paused.upload == .held)
        #expect(paused.timePassed(later) == .none)
    }

    @Test("a refusal ends the upload and resumes libcurl, however sending was paused") func refusal() {
        for var machine in [held(), throttled()] {
            #expect(machine.finalHeadReceived(status: 413) == .resume)
            #expect(machine.milestone(isFinished: true) == .answeredEarly)
            #expect(machine.readRequested() == .endAfterRefusal)
            #expect(machine.controlChanged(isHeld: false) == .none)
            #expect(machine.controlChanged(isHeld: true) == .none)
            #expect(machine.timePassed(later) == .none)
            #expect(machine.readRequested() == .endAfterRefusal)
        }
    }

    @Test("a rewound body is sent, or waits for the pause again") func rewound() {
        var slow = throttled()
        slow.bodyRewound()
        #expect(slow.timePassed(later) == .none)
        #expect(slow.readRequested() == .fill)
        var paused = held()
        paused.bodyRewound()
        #expect(paused.readRequested() == .pause)
        #expect(paused.controlChanged(isHeld: false) == .resume)
    }

    @Test("a closed connection is watched for while paused, and ends the transfer") func hangUp() {
        for var machine in [held(), throttled()] {
            #expect(machine.mustWatchForHangUp)
            #expect(machine.uploadFailed() == .resume)
            #expect(machine.readRequested() == .abort)
        }
    }

    @Test("content that must be read first is delivered while sending is held back") func blocked() {
        for var machine in [held(), throttled()] {
            _ = machine.finalHeadReceived(status: 200)
            #expect(machine.milestone(isFinished: true) == .none)
            _ = machine.contentReceived(isFull: true)
            #expect(machine.milestone(isFinished: true) == .responded)
        }
    }

    @Test("reports whether the peer or this side is waited for") func waitsForPeer() {
        #expect(Machine(hasBody: true).waitsForPeer)
        #expect(Machine(hasBody: false, isHeld: true).waitsForPeer)
        #expect(!held().waitsForPeer)
        #expect(!throttled().waitsForPeer)

        // What libcurl has been given may be on its way yet, but nobody wants it to be.
        var machine = Machine(hasBody: true)
        _ = machine.controlChanged(isHeld: true)
        #expect(machine.upload == .flowing && !machine.waitsForPeer)
        _ = machine.controlChanged(isHeld: false)
        machine.contentAwaited()
        #expect(!machine.waitsForPeer)
        _ = machine.contentArrived()
        #expect(machine.waitsForPeer)
        machine.bodyRanDry()
        #expect(!machine.waitsForPeer)
        _ = machine.partsAdded()
        machine.bodyEnded()
        #expect(machine.upload == .complete && machine.waitsForPeer)
        // There is nothing left to hold back.
        _ = machine.controlChanged(isHeld: true)
        #expect(machine.waitsForPeer)
        _ = machine.finalHeadReceived(status: 200)
        #expect(machine.waitsForPeer)
        _ = machine.contentReceived(isFull: true)
        #expect(!machine.waitsForPeer)
        _ = machine.contentConsumed()
        #expect(machine.waitsForPeer)
    }
}
