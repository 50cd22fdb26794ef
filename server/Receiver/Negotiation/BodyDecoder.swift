import ContentCoding
import NIOCore
import NIOPosix
import Synchronization

/// Decodes the content coding of one request's body on a thread pool.
///
/// Not on the connection's event loop, where its task runs: a chunk of 1 MiB may decode to 1 GiB. Yielding the task
/// between two pieces would not help: an event loop looks at its sockets only when no task is left to run, and a task
/// that has yielded is one. With one job for each piece, other connections of the event loop wait at most while one piece
/// is parsed.
final class BodyDecoder: Sendable {
    /// The most bytes that one call returns: they fit into a core's cache together with zlib's window.
    static let pieceSize = 128 * 1024

    private struct State: ~Copyable {
        var decoder: ContentDecoder
        /// Whether the last piece filled its buffer, so that the same chunk may hold more.
        var wasFull = false
        /// A buffer without other references.
        var spare = ByteBuffer()

        init(_ coding: Coding, limits: DecodingLimits) {
            decoder = ContentDecoder(coding, limits: limits)
        }
    }

    /// Never contended, because calls follow one another: it passes the state on to the next thread.
    private let state: Mutex<State>

    init(_ coding: Coding, limits: DecodingLimits) { state = Mutex(State(coding, limits: limits)) }

    /// Decodes the next piece of a chunk.
    ///
    /// - Parameter chunk: loses the bytes that were decoded.
    /// - Returns: nil when the whole chunk has been decoded and returned.
    /// - Throws: `CodingError`, or the error of a thread pool that has been shut down.
    func next(of chunk: inout ByteBuffer) async throws -> ByteBuffer? {
        // The piece before held the rest of the chunk.
        if chunk.readableBytes == 0, state.withLock({ !$0.wasFull }) { return nil }
        let (piece, count) = try await NIOThreadPool.singleton.runIfActive { [self, chunk] in
            try state.withLock { state in try Self.decode(chunk, &state) }
        }
        chunk.moveReaderIndex(forwardBy: count)
        return piece
    }

    /// Ends the body.
    ///
    /// - Throws: `CodingError` if the coded stream is incomplete.
    func finish() throws(CodingError) {
        try state.withLock { state throws(CodingError) in try state.decoder.finish() }
    }

    private static func decode(
        _ chunk: ByteBuffer, _ state: inout State
    ) throws(CodingError) -> (piece: ByteBuffer?, taken: Int) {
        var buffer = state.spare
        state.spare = ByteBuffer()
        buffer.clear(minimumCapacity: pieceSize)
        let taken = try chunk.withUnsafeReadableBytes { bytes throws(CodingError) in
            var rest = bytes
            try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: pieceSize) { room throws(CodingError) in
                let room = UnsafeMutableRawBufferPointer(rebasing: room.prefix(pieceSize))
                return try state.decoder.decode(&rest, into: room)
            }
            return bytes.count - rest.count
        }
        let count = buffer.readableBytes
        state.wasFull = count == pieceSize
        // The write queue counts bytes, not the memory behind them: a piece that fills less than half of its buffer is
        // copied into a buffer of its own size.
        guard count < pieceSize / 2 else { return (buffer, taken) }
        state.spare = buffer
        return (count > 0 ? ByteBuffer(bytes: buffer.readableBytesView) : nil, taken)
    }
}
