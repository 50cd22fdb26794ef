import Crypto
import Foundation
import HTTPStreaming
import NIOCore
import Platform
import Synchronization

/// The bytes of one part of an upload, until the store has them, in a file without a name: the memory of an upload does not
/// depend on the size of its parts, and a part can be sent again. The last reference removes the file.
///
/// One thread at a time appends; ``finish()`` follows.
final class PartSpool: Sendable {
    private struct State {
        var count = 0
        var hash = Crypto.SHA256()
        var digest: [UInt8] = []
    }

    private let file: Descriptor
    private let state = Mutex(State())

    /// Blocks.
    init(in folder: String) throws(SystemError) { file = try UnnamedFile.openForReading(in: folder) }

    /// Blocks.
    func append(_ pieces: [ByteBuffer]) throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            for piece in pieces {
                try piece.withUnsafeReadableBytes { (bytes) throws(SystemError) in
                    state.hash.update(bufferPointer: bytes)
                    // At an offset: the position of the descriptor is where sending begins.
                    var rest = bytes[...]
                    while !rest.isEmpty {
                        let (part, offset) = (UnsafeRawBufferPointer(rebasing: rest), off_t(state.count))
                        let count = try SystemError.check {
                            pwrite(file.raw, part.baseAddress, part.count, offset)
                        }
                        rest = rest.dropFirst(count)
                        state.count += count
                    }
                }
            }
        }
    }

    /// Nothing follows.
    func finish() { state.withLock { $0.digest = Array($0.hash.finalize()) } }

    /// The base64 SHA-256.
    var checksum: String { state.withLock { Base64.encoded($0.digest) } }

    /// Sends the bytes, with their length and their SHA-256, which the store checks.
    func beContent(of request: inout S3Client.Request) {
        let (count, digest) = state.withLock { ($0.count, $0.digest) }
        request.content = .descriptor(file.raw, length: Int64(count))
        request.contentHash = digest.hexadecimal
        request.fields.append(("x-amz-checksum-sha256", Base64.encoded(digest)))
    }
}
