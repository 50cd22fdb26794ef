import NIOHTTP2
import Testing

@testable import Receiver

@Suite("Unread HTTP/2 frames")
struct HTTP2PendingFramesTests {
    private let pending = HTTP2PendingFrames()

    @Test("frames count until their stream has been read or closed") func counting() {
        pending.headersArrived(on: 1)
        pending.headersArrived(on: 3)
        for _ in 0..<5 { pending.dataArrived(on: 1) }
        pending.dataArrived(on: 3)
        pending.dataArrived(on: 5)
        #expect(pending.total == 6, "stream 5 has not begun")
        pending.framesRead(on: 1)
        #expect(pending.total == 1)
        pending.dataArrived(on: 1)
        pending.headersArrived(on: 1)
        #expect(pending.total == 2, "trailers do not begin a stream")
        pending.closed(1)
        pending.dataArrived(on: 1)
        pending.headersArrived(on: 1)
        pending.dataArrived(on: 1)
        #expect(pending.total == 1)
        pending.closed(3)
        #expect(pending.total == 0)
    }

    @Test("refused streams are forgotten") func refusedStreams() {
        pending.headersArrived(on: 1)
        pending.framesRead(on: 1)
        pending.dataArrived(on: 1)
        for number in 1..<100_000 {
            let stream = HTTP2StreamID(2 * number + 1)
            pending.headersArrived(on: stream)
            pending.dataArrived(on: stream)
        }
        #expect(pending.total < 1000)
        pending.framesRead(on: 1)
        for number in 100_000..<101_000 { pending.headersArrived(on: HTTP2StreamID(2 * number + 1)) }
        #expect(pending.total == 0)
    }
}
