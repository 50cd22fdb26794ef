import NIOHTTP2

/// How many DATA frames of a connection wait for their streams' readers.
///
/// SwiftNIO keeps a frame with the whole buffer that it came in, and asks for more by bytes of content: frames of one
/// byte each, with anything in between that has no flow control, would take as much memory as a client sends.
final class HTTP2PendingFrames {
    /// Beyond it no client is served: each may keep 64 KiB. All streams' windows full of frames of the usual size
    /// are fewer.
    static let most = 2048

    private struct Stream {
        var frames = 0
        /// Whether it has a channel, which tells of its end.
        var isOpen = false
    }

    private static let mostStreams = 400

    private var streams: [HTTP2StreamID: Stream] = [:]
    private var latest = HTTP2StreamID.rootStream
    private(set) var total = 0

    /// A client's streams have ascending numbers (RFC 9113 §5.1.1); other HEADERS are trailers, or come too late.
    func headersArrived(on stream: HTTP2StreamID) {
        guard stream > latest else { return }
        latest = stream
        // Those that were refused.
        if streams.count > Self.mostStreams {
            streams = streams.filter { $0.value.isOpen }
            total = streams.values.reduce(0) { $0 + $1.frames }
        }
        streams[stream] = Stream()
    }

    func dataArrived(on stream: HTTP2StreamID) {
        // What comes behind a stream's end is thrown away.
        guard streams[stream] != nil else { return }
        streams[stream]?.frames += 1
        total += 1
    }

    /// All of a stream's that have come have been read.
    func taken(by stream: HTTP2StreamID) {
        guard let frames = streams[stream]?.frames else { return }
        total -= frames
        streams[stream] = Stream(isOpen: true)
    }

    func closed(_ stream: HTTP2StreamID) { total -= streams.removeValue(forKey: stream)?.frames ?? 0 }
}
