import HTTPTypes
import Testing

@testable import Receiver

@Suite struct LingeringCloseStateMachineTests {
    typealias Machine = LingeringCloseHandler.StateMachine

    private func response(_ code: Int) -> HTTPResponse { HTTPResponse(status: .init(code: code)) }

    @Test func anAnswerToAWholeRequestKeepsTheConnection() {
        for status in [201, 400] {
            var machine = Machine(limit: 10)
            #expect(machine.headArrived() == .pass)
            #expect(machine.bodyArrived(count: 100) == .pass)
            #expect(machine.requestEnded() == .pass)
            #expect(machine.responseBegan(response(status)) == .none)
            #expect(machine.responseEnded() == .pass)
            #expect(machine.headArrived() == .pass)
        }
    }

    @Test func anEarlyErrorEndsTheConnectionWithinBounds() {
        var machine = Machine(limit: 10)
        _ = machine.headArrived()
        #expect(machine.responseBegan(response(100)) == .none)
        #expect(machine.responseBegan(response(415)) == .announceClose)
        #expect(machine.bodyArrived(count: 100) == .pass, "the answer has not ended")
        #expect(machine.responseEnded() == .linger)
        #expect(machine.bodyArrived(count: 10) == .discard)
        #expect(machine.requestEnded() == .discard)
        #expect(machine.headArrived() == .discard)
        #expect(machine.bodyArrived(count: 1) == .close)
    }

    @Test func anEarlySuccessIsBoundedToo() {
        var machine = Machine(limit: 10)
        _ = machine.headArrived()
        #expect(machine.responseBegan(response(200)) == .none, "it may go on reading")
        #expect(machine.responseEnded() == .linger)
    }

    @Test func theNextRequestsBodyIsNotOfThisAnswer() {
        var machine = Machine(limit: 10)
        _ = machine.headArrived()
        _ = machine.requestEnded()
        // Pipelined, while the first is being answered.
        _ = machine.headArrived()
        #expect(machine.responseBegan(response(404)) == .none)
        #expect(machine.responseEnded() == .pass)
        #expect(machine.responseBegan(response(404)) == .announceClose)
        #expect(machine.responseEnded() == .linger)
    }

    @Test func aClientThatIsGoneIsNotWaitedFor() {
        var machine = Machine(limit: 10)
        _ = machine.headArrived()
        #expect(machine.inputClosed() == .none, "it may still listen")
        _ = machine.responseBegan(response(400))
        #expect(machine.responseEnded() == .close)

        machine = Machine(limit: 10)
        _ = machine.headArrived()
        _ = machine.responseBegan(response(400))
        #expect(machine.responseEnded() == .linger)
        #expect(machine.inputClosed() == .close)
    }

    @Test func whatIsNoHTTPIsAnswered() {
        var machine = Machine(limit: 10)
        #expect(machine.errorCaught(isParserError: false) == .pass)
        #expect(machine.errorCaught(isParserError: true) == .answer)
        #expect(machine.responseBegan(response(400)) == .announceClose)
        #expect(machine.responseEnded() == .linger)
        #expect(machine.errorCaught(isParserError: true) == .discard)

        machine = Machine(limit: 10)
        _ = machine.headArrived()
        #expect(machine.errorCaught(isParserError: true) == .pass, "the route answers")
    }
}
