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

    private let threadPool: NIOThreadPool
    /// Never contended, because calls follow one another: it passes the state on to the next thread.
    private let encoder: Mutex<ContentEncoder>

    /// - Returns: nil for a representation that is not coded.
    convenience init?(_ representation: Representation) throws(CodingError) {
        switch representation {
        case .identity: return nil
        case .coded(let coding): try self.init(coding)
        }
    }

    init(_ coding: Coding, threadPool: NIOThreadPool = .singleton) throws(CodingError) {
        self.threadPool = threadPool
        encoder = Mutex(try ContentEncoder(coding, level: Self.level))
    }

    /// - Parameter mode: see `ContentEncoder`.
    /// - Returns: the encoded bytes, possibly none.
    func encode(_ piece: ByteBuffer, _ mode: ContentEncoder.Mode) async throws -> ByteBuffer {
        try await threadPool.runIfActive { [self] in
            encoder.withLock { encoder in
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
                return output
            }
        }
    }
}
