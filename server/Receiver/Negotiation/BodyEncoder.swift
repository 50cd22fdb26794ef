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

    /// Never contended, because calls follow one another: it passes the state on to the next thread.
    private let encoder: Mutex<ContentEncoder>

    /// - Returns: nil for a representation that is not coded.
    init?(_ representation: Representation) throws(CodingError) {
        guard case .coded(let coding) = representation else { return nil }
        encoder = Mutex(try ContentEncoder(coding, level: Self.level))
    }

    /// - Parameter mode: see `ContentEncoder`.
    /// - Returns: the encoded bytes, possibly none.
    func encode(_ piece: ByteBuffer, _ mode: ContentEncoder.Mode) async throws -> ByteBuffer {
        try await NIOThreadPool.singleton.runIfActive { [self] in
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
