import Testing

@testable import Receiver

@Suite struct ExpectContinueStateMachineTests {
    typealias Machine = ExpectContinueHandler.StateMachine

    @Test func aClientThatWaitsIsToldToGoOn() {
        var machine = Machine()
        #expect(machine.headArrived(waits: true) == .writeContinue)
        machine.bodyArrived()
        machine.responseBegan()
        #expect(machine.responseEnded() == .none)
        #expect(machine.headArrived(waits: false) == .none)
    }

    @Test func notInTheMiddleOfAnotherAnswer() {
        var machine = Machine()
        #expect(machine.headArrived(waits: false) == .none)
        machine.bodyArrived()
        #expect(machine.headArrived(waits: true) == .none)
        machine.responseBegan()
        #expect(machine.responseEnded() == .writeContinue)
    }

    @Test func aClientThatNoLongerWaitsIsNot() {
        var machine = Machine()
        _ = machine.headArrived(waits: false)
        _ = machine.headArrived(waits: true)
        machine.bodyArrived()
        machine.responseBegan()
        #expect(machine.responseEnded() == .none)
    }
}
