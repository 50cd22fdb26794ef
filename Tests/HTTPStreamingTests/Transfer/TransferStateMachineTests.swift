import Testing

@testable import HTTPStreaming

@Suite("Transfer.StateMachine", .timeLimit(.minutes(3)))
struct TransferStateMachineTests {
    typealias Machine = Transfer.StateMachine

    @Test("a request whose parts are known is sent to its end, then waits for the response") func closedRequest() {
        var machine = Machine(hasBody: true)
        #expect(machine.readRequested() == .fill)
        machine.bodyEnded()
        #expect(machine.upload == .complete)
        #expect(machine.milestone(isFinished: true) == .none)
        #expect(machine.finalHeadReceived(status: 201) == .none)
        #expect(machine.milestone(isFinished: true) == .responded)
        // libcurl 7.88 asks again after the end.
        #expect(machine.readRequested() == .end)
        machine.bodyEnded()
        #expect(machine.upload == .complete)
    }

    @Test("a request without a body responds as soon as the head has arrived") func bodiless() {
        var machine = Machine(hasBody: false)
        #expect(machine.readRequested() == .end)
        #expect(machine.finalHeadReceived(status: 404) == .none)
        #expect(machine.milestone(isFinished: true) == .responded)
        #expect(!machine.isRefused)
    }

    @Test("an open request waits between parts; more parts and the end resume it") func openRequest() {
        var machine = Machine(hasBody: true)
        machine.bodyRanDry()
        #expect(machine.upload == .starved)
        #expect(machine.milestone(isFinished: false) == .partsSent)
        #expect(machine.isUploadPaused)
        #expect(machine.readRequested() == .pause)
        #expect(machine.partsAdded() == .resume)
        #expect(machine.upload == .flowing)
        #expect(machine.milestone(isFinished: false) == .none)
        // Parts that come while the last ones still flow need no resuming.
        #expect(machine.partsAdded() == .none)
        machine.bodyEnded()
        #expect(machine.upload == .complete)
    }

    @Test("a refusal ends the upload at any time", arguments: [300, 401, 413, 503]) func refusal(status: Int) {
        var flowing = Machine(hasBody: true)
        #expect(flowing.finalHeadReceived(status: status) == .none)
        #expect(flowing.milestone(isFinished: true) == .answeredEarly)
        // An abort would lose the content of the answer.
        #expect(flowing.readRequested() == .endAfterRefusal)

        var starved = Machine(hasBody: true)
        starved.bodyRanDry()
        // libcurl 7.88 waits for ever otherwise.
        #expect(starved.finalHeadReceived(status: status) == .resume)
        #expect(starved.milestone(isFinished: false) == .answeredEarly)

        var complete = Machine(hasBody: true)
        complete.bodyEnded()
        #expect(complete.finalHeadReceived(status: status) == .none)
        #expect(complete.milestone(isFinished: true) == .responded)
        #expect(!complete.isRefused)
    }

    @Test("an early success lets the upload go on") func earlySuccess() {
        var machine = Machine(hasBody: true)
        #expect(machine.finalHeadReceived(status: 200) == .none)
        #expect(machine.milestone(isFinished: true) == .none)
        #expect(machine.readRequested() == .fill)
        machine.bodyEnded()
        #expect(machine.upload == .complete)
        #expect(machine.milestone(isFinished: true) == .responded)
    }

    @Test("content that the server sends before it reads on is delivered") func contentBeforeTheEnd() {
        var machine = Machine(hasBody: true)
        _ = machine.finalHeadReceived(status: 200)
        _ = machine.contentReceived(isFull: false)
        #expect(machine.milestone(isFinished: true) == .none)
        _ = machine.contentReceived(isFull: true)
        #expect(machine.milestone(isFinished: true) == .responded)
        #expect(machine.upload == .flowing)
    }

    @Test("a waiting response is read first, and looked for only before the final head") func yielding() {
        var machine = Machine(hasBody: true)
        #expect(machine.yieldsToAnswer)
        machine.answerSeen()
        #expect(machine.isUploadPaused)
        #expect(machine.readRequested() == .pause)
        #expect(machine.answerRead() == .resume)
        #expect(machine.answerRead() == .none)
        #expect(machine.upload == .flowing)
        _ = machine.finalHeadReceived(status: 200)
        #expect(!machine.yieldsToAnswer)

        var refused = Machine(hasBody: true)
        refused.answerSeen()
        #expect(refused.finalHeadReceived(status: 413) == .resume)
        #expect(refused.answerRead() == .none)
        #expect(refused.readRequested() == .endAfterRefusal)
    }

    @Test("closed connections are watched for only while libcurl would not notice them") func hangUp() {
        var machine = Machine(hasBody: true)
        #expect(!machine.mustWatchForHangUp)
        machine.bodyRanDry()
        #expect(machine.mustWatchForHangUp)
        #expect(machine.uploadFailed() == .resume)
        #expect(!machine.mustWatchForHangUp)
        #expect(machine.readRequested() == .abort)
        #expect(machine.uploadFailed() == .none)
        #expect(machine.milestone(isFinished: false) == .none)
    }

    @Test("a response that makes libcurl send again resumes a paused upload and has no other effect") func tentative() {
        var machine = Machine(hasBody: true)
        #expect(machine.tentativelyAnswered() == .none)
        machine.bodyRanDry()
        #expect(machine.tentativelyAnswered() == .resume)
        #expect(machine.upload == .flowing && machine.download == .awaitingHead)
        _ = machine.partsAdded()
        machine.bodyEnded()
        #expect(machine.tentativelyAnswered() == .none)
        #expect(machine.upload == .complete)
    }

    @Test("a rewound body is sent again") func rewound() {
        var machine = Machine(hasBody: true)
        machine.bodyEnded()
        machine.bodyRewound()
        #expect(machine.readRequested() == .fill)
    }

    @Test("a slow reader pauses the download; a released one lets it run") func download() {
        var machine = Machine(hasBody: false)
        _ = machine.finalHeadReceived(status: 200)
        #expect(machine.contentReceived(isFull: false) == .keep)
        #expect(machine.contentReceived(isFull: true) == .pause)
        #expect(machine.isDownloadPaused)
        #expect(machine.contentConsumed() == .resume)
        #expect(machine.contentConsumed() == .none)
        #expect(machine.contentReceived(isFull: true) == .pause)
        #expect(machine.contentAbandoned() == .resume)
        #expect(machine.contentReceived(isFull: false) == .discard)
        #expect(machine.contentAbandoned() == .none)
    }

    @Test("pausing one direction does not affect the other") func bothDirections() {
        var machine = Machine(hasBody: true)
        machine.bodyRanDry()
        _ = machine.finalHeadReceived(status: 200)
        _ = machine.contentReceived(isFull: true)
        #expect(machine.isUploadPaused && machine.isDownloadPaused)
        #expect(!machine.mustWatchForHangUp)
        #expect(machine.contentConsumed() == .resume)
        #expect(machine.isUploadPaused && !machine.isDownloadPaused)
    }
}
