import ContentCoding
import NIOCore
import NIOPosix
import Synchronization

/// Encodes one answer's content, on a thread pool: an event loop has others to serve.
final class BodyEncoder: Sendable {
    /// What is sent is compressed anew for each request: text becomes a tenth longer than at zlib's
    /// usual 6, in two thirds of the time, or half of it.
    private static let level = 4
    private static let roomForMore = 64 * 1024

    private let threadPool: NIOThreadPool
    /// Never waited for, since calls come one after another: it hands the state to the next thread.
    private let encoder: Mutex<ContentEncoder>

    init(_ coding: Coding, threadPool: NIOThreadPool = .singleton) throws(CodingError) {
        self.threadPool = threadPool
        encoder = Mutex(try ContentEncoder(coding, level: Self.level))
    }

    /// - Parameter mode: see `ContentEncoder`.
    /// - Returns: what has come out, which may be nothing.
    func encode(_ piece: ByteBuffer, _ mode: ContentEncoder.Mode) async throws -> ByteBuffer {
        try await threadPool.runIfActive { [self] in
            encoder.withLock { encoder in
                var output = ByteBuffer()
                piece.withUnsafeReadableBytes { bytes in
                    var (rest, isFull) = (bytes, true)
                    while isFull {
                        output.writeWithUnsafeMutableBytes(minimumWritableBytes: Self.roomForMore) { room in
                            let count = encoder.encode(&rest, into: room, mode)
                            isFull = count == room.count
                            return count
                        }
                    }
                }
                return output
            }
        }
    }
}
