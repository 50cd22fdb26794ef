import Testing

@testable import Receiver

@Suite("Expect: 100-continue")
struct ExpectContinueStateMachineTests {
    typealias Machine = ExpectContinueHandler.StateMachine

    @Test("a client that waits gets a 100") func waiting() {
        var machine = Machine()
        #expect(machine.headArrived(waits: true) == .writeContinue)
        machine.bodyArrived()
        machine.responseBegan()
        #expect(machine.responseEnded() == .none)
        #expect(machine.headArrived(waits: false) == .none)
    }

    @Test("the 100 waits until the response before has ended") func pipelined() {
        var machine = Machine()
        #expect(machine.headArrived(waits: false) == .none)
        machine.bodyArrived()
        #expect(machine.headArrived(waits: true) == .none)
        machine.responseBegan()
        #expect(machine.responseEnded() == .writeContinue)
    }

    @Test("a client that has begun to send its body gets no 100") func noLongerWaiting() {
        var machine = Machine()
        _ = machine.headArrived(waits: false)
        _ = machine.headArrived(waits: true)
        machine.bodyArrived()
        machine.responseBegan()
        #expect(machine.responseEnded() == .none)
    }
}
