import Foundation
import TestSupport
import Testing

@testable import Platform

@Suite("Poller", .timeLimit(.minutes(3)))
struct PollerTests {
    private func wait(_ poller: Poller, until time: Instant = .now) -> [Int32: Poller.Interest] {
        Dictionary(poller.wait(until: time).map { ($0.descriptor, $0.ready) }) { $0.union($1) }
    }

    @Test("exactly the events waited for are reported, as long as they last") func interests() throws {
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

    @Test("a closed descriptor is forgotten; a new one with its number is another descriptor") func closed() throws {
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

    @Test("another thread wakes the current wait, or else the next one, once") func wakeUp() throws {
        let poller = try Poller()
        let start = Instant.now
        poller.wakeUp()
        poller.wakeUp()
        #expect(wait(poller, until: start + .seconds(50)).isEmpty)
        let woken = Instant.now
        #expect(woken - start < .seconds(40))
        #expect(wait(poller, until: woken + .milliseconds(50)).isEmpty)
        #expect(.now - woken >= .milliseconds(50))
        Thread.detachNewThread {
            usleep(50_000)
            poller.wakeUp()
        }
        #expect(wait(poller, until: .now + .seconds(50)).isEmpty)
        #expect(.now - start < .seconds(40))
    }

    @Test("an interest that another thread adds during a wait takes effect at once") func changedWhileWaiting() throws {
        let poller = try Poller()
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        defer { ends.forEach { close($0) } }
        let output = ends[1]
        Thread.detachNewThread {
            usleep(50_000)
            poller.set(.write, for: output)
        }
        let start = Instant.now
        var ready: [Int32: Poller.Interest] = [:]
        // It may return early to apply the change.
        while ready.isEmpty, .now - start < .seconds(40) { ready = wait(poller, until: start + .seconds(50)) }
        #expect(ready == [output: .write])
    }

    @Test("the alarm set last ends a wait once, also if it is set during the wait") func alarm() throws {
        let poller = try Poller()
        let start = Instant.now
        poller.setAlarm(at: start + .seconds(50))
        poller.setAlarm(at: start + .milliseconds(50))
        #expect(wait(poller, until: start + .seconds(50)).isEmpty)
        #expect((.milliseconds(50)..<(.seconds(40))).contains(.now - start))
        let next = Instant.now
        #expect(wait(poller, until: next + .milliseconds(50)).isEmpty)
        #expect(.now - next >= .milliseconds(50))
        Thread.detachNewThread {
            usleep(50_000)
            poller.setAlarm(at: .now)
        }
        let last = Instant.now
        while .now - last < .milliseconds(50) { _ = wait(poller, until: last + .seconds(50)) }
        #expect(.now - last < .seconds(40))
    }
}
