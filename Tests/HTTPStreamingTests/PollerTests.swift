import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Poller", .timeLimit(.minutes(1)))
struct PollerTests {
    private func wait(_ poller: Poller, milliseconds: Int32 = 0) -> [Int32: Poller.Interest] {
        var events: [Poller.Event] = []
        poller.wait(milliseconds: milliseconds, adding: &events)
        return Dictionary(events.map { ($0.descriptor, $0.ready) }) { $0.union($1) }
    }

    @Test("what is waited for is told, and nothing else, for as long as it lasts")
    func interests() throws {
        let poller = try Poller()
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        defer { close(ends[0]) }
        poller.set(.read, for: ends[0])
        poller.set(.write, for: ends[1])
        #expect(wait(poller) == [ends[1]: .write])
        #expect(write(ends[1], "x", 1) == 1)
        #expect(wait(poller) == [ends[0]: .read, ends[1]: .write])
        poller.set([], for: ends[1])
        #expect(wait(poller) == [ends[0]: .read])
        var byte: UInt8 = 0
        #expect(read(ends[0], &byte, 1) == 1)
        #expect(wait(poller).isEmpty)
        close(ends[1])
        #expect(wait(poller)[ends[0]]?.contains(.failure) == true)
        poller.set([], for: ends[0])
        #expect(wait(poller).isEmpty)
    }

    @Test("a descriptor that was closed is forgotten; what has its number then is another one")
    func closed() throws {
        let poller = try Poller()
        var first: [Int32] = [-1, -1]
        #expect(pipe(&first) == 0)
        poller.set(.write, for: first[1])
        #expect(wait(poller) == [first[1]: .write])
        close(first[0])
        close(first[1])
        #expect(wait(poller)[first[1]]?.contains(.write) != true)
        var second: [Int32] = [-1, -1]
        #expect(pipe(&second) == 0)
        defer { second.forEach { close($0) } }
        poller.set(.write, for: second[1])
        #expect(wait(poller) == [second[1]: .write])
    }

    @Test("is woken by another thread, now or at its next wait, once")
    func wakeUp() async throws {
        let poller = try Poller()
        poller.wakeUp()
        poller.wakeUp()
        var events: [Poller.Event] = []
        #expect(poller.wait(milliseconds: 60_000, adding: &events) && events.isEmpty)
        #expect(!poller.wait(milliseconds: 0, adding: &events))
        let wakeUp = poller.wakeUp
        Thread.detachNewThread {
            usleep(50_000)
            wakeUp()
        }
        #expect(poller.wait(milliseconds: 60_000, adding: &events) && events.isEmpty)
    }
}
