import Testing

@testable import Receiver

@Suite("Expect: 100-continue")
struct ExpectContinueStateMachineTests {
    typealias Machine = ExpectContinueHandler.StateMachine

    @Test("a client that waits gets a 100") func waiting() {
        var machine = Machine()
        #expect(machine.headArrived(waits: true) == true)
        machine.bodyArrived()
        machine.responseBegan()
        #expect(machine.responseEnded() == false)
        #expect(machine.headArrived(waits: false) == false)
    }

    @Test("the 100 waits until the response before has ended") func pipelined() {
        var machine = Machine()
        #expect(machine.headArrived(waits: false) == false)
        machine.bodyArrived()
        #expect(machine.headArrived(waits: true) == false)
        machine.responseBegan()
        #expect(machine.responseEnded() == true)
    }

    @Test("a client that has begun to send its body gets no 100") func noLongerWaiting() {
        var machine = Machine()
        _ = machine.headArrived(waits: false)
        _ = machine.headArrived(waits: true)
        machine.bodyArrived()
        machine.responseBegan()
        #expect(machine.responseEnded() == false)
    }
}
