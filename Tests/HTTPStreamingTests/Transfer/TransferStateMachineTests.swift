import Testing

@testable import HTTPStreaming

@Suite("Transfer.StateMachine", .timeLimit(.minutes(1)))
struct TransferStateMachineTests {
    typealias Machine = Transfer.StateMachine

    @Test("a request whose parts are all known flows to its end, then responds")
    func closedRequest() {
        var machine = Machine(hasBody: true, isFinishing: true)
        #expect(machine.readRequested() == .fill)
        #expect(machine.bodyRanDry() == .end)
        #expect(machine.upload == .complete)
        #expect(machine.news == .nothing)
        #expect(machine.finalHeadReceived(status: 201) == .none)
        #expect(machine.news == .responded)
        // libcurl 7.88 asks again after the end.
        #expect(machine.readRequested() == .end)
        #expect(machine.bodyRanDry() == .end)
    }

    @Test("a request without a body responds as soon as the head has come")
    func bodiless() {
        var machine = Machine(hasBody: false, isFinishing: true)
        #expect(machine.readRequested() == .end)
        #expect(machine.finalHeadReceived(status: 404) == .none)
        #expect(machine.news == .responded)
        #expect(!machine.isRefused)
    }

    @Test("an open request starves between parts and is resumed by more, and by the end")
    func openRequest() {
        var machine = Machine(hasBody: true, isFinishing: false)
        #expect(machine.bodyRanDry() == .pause)
        #expect(machine.news == .partsSent)
        #expect(machine.isUploadPaused)
        #expect(machine.readRequested() == .pause)
        #expect(machine.partsAppended(isLast: false) == .resume)
        #expect(machine.upload == .flowing)
        #expect(machine.news == .nothing)
        // Parts that come while the last ones still flow need no resuming.
        #expect(machine.partsAppended(isLast: true) == .none)
        #expect(machine.bodyRanDry() == .end)
    }

    @Test("a refusal ends the upload wherever it is", arguments: [300, 401, 413, 503])
    func refusal(status: Int) {
        var flowing = Machine(hasBody: true, isFinishing: true)
        #expect(flowing.finalHeadReceived(status: status) == .none)
        #expect(flowing.news == .answeredEarly)
        // An abort would lose the content of the answer.
        #expect(flowing.readRequested() == .giveNoMore)

        var starved = Machine(hasBody: true, isFinishing: false)
        _ = starved.bodyRanDry()
        // libcurl 7.88 waits for ever otherwise.
        #expect(starved.finalHeadReceived(status: status) == .resume)
        #expect(starved.news == .answeredEarly)

        var complete = Machine(hasBody: true, isFinishing: true)
        _ = complete.bodyRanDry()
        #expect(complete.finalHeadReceived(status: status) == .none)
        #expect(complete.news == .responded)
        #expect(!complete.isRefused)
    }

    @Test("an early success lets the upload go on")
    func earlySuccess() {
        var machine = Machine(hasBody: true, isFinishing: true)
        #expect(machine.finalHeadReceived(status: 200) == .none)
        #expect(machine.news == .nothing)
        #expect(machine.readRequested() == .fill)
        #expect(machine.bodyRanDry() == .end)
        #expect(machine.news == .responded)
    }

    @Test("a server that wants its content read before it reads on is answered to")
    func contentBeforeTheEnd() {
        var machine = Machine(hasBody: true, isFinishing: true)
        _ = machine.finalHeadReceived(status: 200)
        _ = machine.contentReceived(isFull: false)
        #expect(machine.news == .nothing)
        _ = machine.contentReceived(isFull: true)
        #expect(machine.news == .responded)
        #expect(machine.upload == .flowing)
    }

    @Test("an answer that waits is read first, and looked for only before the final head")
    func yielding() {
        var machine = Machine(hasBody: true, isFinishing: true)
        #expect(machine.yieldsToAnswer)
        machine.answerSeen()
        #expect(machine.isUploadPaused)
        #expect(machine.readRequested() == .pause)
        #expect(machine.answerRead() == .resume)
        #expect(machine.answerRead() == .none)
        #expect(machine.upload == .flowing)
        _ = machine.finalHeadReceived(status: 200)
        #expect(!machine.yieldsToAnswer)

        var refused = Machine(hasBody: true, isFinishing: true)
        refused.answerSeen()
        #expect(refused.finalHeadReceived(status: 413) == .resume)
        #expect(refused.answerRead() == .none)
        #expect(refused.readRequested() == .giveNoMore)
    }

    @Test("hang-ups are watched for only while libcurl would not see them")
    func hangUp() {
        var machine = Machine(hasBody: true, isFinishing: false)
        #expect(!machine.mustWatchForHangUp)
        _ = machine.bodyRanDry()
        #expect(machine.mustWatchForHangUp)
        #expect(machine.uploadFailed() == .resume)
        #expect(!machine.mustWatchForHangUp)
        #expect(machine.readRequested() == .abort)
        #expect(machine.uploadFailed() == .none)
        #expect(machine.news == .nothing)
    }

    @Test("an answer that libcurl answers by sending again resumes what is paused, and nothing else")
    func tentative() {
        var machine = Machine(hasBody: true, isFinishing: false)
        #expect(machine.tentativelyAnswered() == .none)
        _ = machine.bodyRanDry()
        #expect(machine.tentativelyAnswered() == .resume)
        #expect(machine.upload == .flowing && machine.download == .awaitingHead)
        _ = machine.partsAppended(isLast: true)
        _ = machine.bodyRanDry()
        #expect(machine.tentativelyAnswered() == .none)
        #expect(machine.upload == .complete)
    }

    @Test("a rewound body flows again")
    func rewound() {
        var machine = Machine(hasBody: true, isFinishing: true)
        _ = machine.bodyRanDry()
        machine.bodyRewound()
        #expect(machine.readRequested() == .fill)
    }

    @Test("a slow reader pauses the download, a gone one lets it run")
    func download() {
        var machine = Machine(hasBody: false, isFinishing: true)
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

    @Test("pausing one direction keeps the other's pause")
    func bothDirections() {
        var machine = Machine(hasBody: true, isFinishing: false)
        _ = machine.bodyRanDry()
        _ = machine.finalHeadReceived(status: 200)
        _ = machine.contentReceived(isFull: true)
        #expect(machine.isUploadPaused && machine.isDownloadPaused)
        #expect(!machine.mustWatchForHangUp)
        #expect(machine.contentConsumed() == .resume)
        #expect(machine.isUploadPaused && !machine.isDownloadPaused)
    }
}
