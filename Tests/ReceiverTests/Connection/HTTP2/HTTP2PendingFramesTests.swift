import NIOHTTP2
import Testing

@testable import Receiver

@Suite struct HTTP2PendingFramesTests {
    private let pending = HTTP2PendingFrames()

    @Test func aStreamsFramesWaitUntilTheyAreTaken() {
        pending.headersArrived(on: 1)
        pending.headersArrived(on: 3)
        for _ in 0..<5 { pending.dataArrived(on: 1) }
        pending.dataArrived(on: 3)
        pending.dataArrived(on: 5)
        #expect(pending.total == 6, "5 has not begun")
        pending.taken(by: 1)
        #expect(pending.total == 1)
        pending.dataArrived(on: 1)
        pending.headersArrived(on: 1)
        #expect(pending.total == 2, "trailers begin nothing")
        pending.closed(1)
        pending.dataArrived(on: 1)
        pending.headersArrived(on: 1)
        pending.dataArrived(on: 1)
        #expect(pending.total == 1)
        pending.closed(3)
        #expect(pending.total == 0)
    }

    /// Streams that were refused have nobody who closes them.
    @Test func refusedStreamsAreForgotten() {
        pending.headersArrived(on: 1)
        pending.taken(by: 1)
        pending.dataArrived(on: 1)
        for number in 1..<100_000 {
            let stream = HTTP2StreamID(2 * number + 1)
            pending.headersArrived(on: stream)
            pending.dataArrived(on: stream)
        }
        #expect(pending.total < 1000)
        pending.taken(by: 1)
        for number in 100_000..<101_000 { pending.headersArrived(on: HTTP2StreamID(2 * number + 1)) }
        #expect(pending.total == 0)
    }
}
