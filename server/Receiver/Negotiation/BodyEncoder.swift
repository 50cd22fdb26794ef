import ContentCoding
import NIOCore
import NIOPosix
import Synchronization

/// Encodes the content of one response on a thread pool, because an event loop has other connections to serve.
final class BodyEncoder: Sendable {
    /// Content is compressed for each request: at this level text is 10 % longer than at zlib's default of 6, and takes
    /// half to two thirds of the time.
    private static let level = 4
    private static let capacity = 64 * 1024
    /// What a `ContentEncoder` takes, in bytes.
    private static let memory = 272 * 1024

    /// Never contended, because calls follow one another: it passes the state on to the next thread.
    private let encoder: Mutex<ContentEncoder>
    private let channel: any Channel
    private let share: SendBudget.Share

    /// - Parameter channel: of the connection or stream that the response is for.
    /// - Returns: nil if there is no memory for another encoder.
    init?(_ coding: Coding, _ budget: SendBudget, for channel: any Channel) throws(CodingError) {
        guard let share = budget.share(of: Self.memory) else { return nil }
        self.share = share
        self.channel = channel
        encoder = Mutex(try ContentEncoder(coding, level: Self.level))
    }

    /// - Parameter mode: see `ContentEncoder`.
    /// - Returns: the encoded bytes, possibly none.
    /// - Throws: if the connection or stream has ended.
    func encode(_ piece: ByteBuffer, _ mode: ContentEncoder.Mode) async throws -> ByteBuffer {
        try await NIOThreadPool.singleton.runIfActive { [self] in
            // The client may have gone while this job waited for its thread.
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            return encoder.withLock { encoder in
                var output = ByteBuffer()
                piece.withUnsafeReadableBytes { bytes in
                    var (rest, isFull) = (bytes, true)
                    while isFull {
                        output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.capacity) { room in
                            let count = encoder.encode(&rest, into: room, mode)
                            isFull = count == room.count
                            return count
                        }
                    }
                }
                // The bytes may wait long: not in a buffer of which they need only a part.
                return output.readableBytes < Self.capacity / 2 ? ByteBuffer(bytes: output.readableBytesView) : output
            }
        }
    }
}
