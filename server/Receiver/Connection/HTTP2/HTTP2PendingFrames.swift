import NIOHTTP2

/// Counts the DATA frames of a connection that the routes have not read.
///
/// SwiftNIO keeps a frame with the whole buffer that it arrived in, and limits unread content by its bytes. Frames of one
/// byte each, between other frames that have no flow control, could take as much memory as a client sends.
final class HTTP2PendingFrames {
    /// A connection with more unread frames is closed: each may keep 64 KiB. Frames of the usual size that fill the
    /// windows of all streams are fewer.
    static let maximum = 2048

    private struct Stream {
        var frames = 0
        /// Whether it has a channel, which reports its end.
        var isOpen = false
    }

    private static let maximumStreams = 400

    private var streams: [HTTP2StreamID: Stream] = [:]
    private var latest = HTTP2StreamID.rootStream
    private(set) var total = 0

    /// Streams of a client have ascending numbers (RFC 9113 §5.1.1). Other HEADERS are trailers or arrive too late.
    func headersArrived(on stream: HTTP2StreamID) {
        guard stream > latest else { return }
        latest = stream
        // Removes streams that were refused.
        if streams.count > Self.maximumStreams {
            streams = streams.filter { $0.value.isOpen }
            total = streams.values.reduce(0) { $0 + $1.frames }
        }
        streams[stream] = Stream()
    }

    func dataArrived(on stream: HTTP2StreamID) {
        // SwiftNIO discards frames after the end of a stream.
        guard streams[stream] != nil else { return }
        streams[stream]?.frames += 1
        total += 1
    }

    /// The route has read all frames of the stream that have arrived.
    func framesRead(on stream: HTTP2StreamID) {
        guard let frames = streams[stream]?.frames else { return }
        total -= frames
        streams[stream] = Stream(isOpen: true)
    }

    func closed(_ stream: HTTP2StreamID) { total -= streams.removeValue(forKey: stream)?.frames ?? 0 }
}
