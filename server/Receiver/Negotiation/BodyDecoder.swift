import ContentCoding
import NIOCore
import NIOPosix
import Synchronization

/// Decodes the content coding of one request's body, on a thread pool.
///
/// Not on the connection's event loop, though its task runs there: a chunk of 1 MiB may stand for
/// 1 GiB. To yield the task between two pieces would not help, for an event loop looks at its
/// sockets only when none of its tasks is left to run, and a task that has yielded is one. As a job
/// for each piece, the loop's other connections wait for the parsing of one piece at most.
final class BodyDecoder: Sendable {
    /// Bytes that one call gives out at most: what a core's cache holds next to zlib's window.
    static let pieceSize = 128 * 1024

    private struct State: ~Copyable {
        var decoder: ContentDecoder
        /// Whether the last piece left no room, so that there may be more of the same chunk.
        var wasFull = false
        /// Memory that nobody else refers to.
        var spare = ByteBuffer()

        init(_ coding: Coding, limits: DecodingLimits) {
            decoder = ContentDecoder(coding, limits: limits)
        }
    }

    private let threadPool: NIOThreadPool
    /// Never waited for, since calls come one after another: it hands the state to the next thread.
    private let state: Mutex<State>

    init(_ coding: Coding, limits: DecodingLimits, threadPool: NIOThreadPool = .singleton) {
        self.threadPool = threadPool
        state = Mutex(State(coding, limits: limits))
    }

    /// Decodes the next piece of a chunk.
    ///
    /// - Parameter chunk: loses what was taken.
    /// - Returns: nil when the chunk has been used up, and all that it stands for given out.
    /// - Throws: `CodingError`, or what stops the thread pool.
    func next(of chunk: inout ByteBuffer) async throws -> ByteBuffer? {
        // All that the chunk stands for had room in the piece before.
        if chunk.readableBytes == 0, state.withLock({ !$0.wasFull }) { return nil }
        let (piece, taken) = try await threadPool.runIfActive { [self, chunk] in
            try state.withLock { state in try Self.decode(chunk, &state) }
        }
        chunk.moveReaderIndex(forwardBy: taken)
        return piece
    }

    /// Says that the body has ended.
    ///
    /// - Throws: where the coded stream has not.
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
        // What waits for the disk counts its bytes, not the memory behind them: a piece that fills
        // little of its buffer is copied into one of its size.
        guard count < pieceSize / 2 else { return (buffer, taken) }
        state.spare = buffer
        return (count > 0 ? ByteBuffer(bytes: buffer.readableBytesView) : nil, taken)
    }
}
