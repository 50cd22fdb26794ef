import Crypto
import Foundation
import HTTPStreaming
import NIOCore
import NIOPosix
import Platform
import Synchronization

/// The bytes of one part of an upload, until the store has them, in a file without a name: the memory of an upload does not
/// depend on the size of its parts, and a part can be sent again. The last reference removes the file.
///
/// One thread at a time uses it. Every call blocks.
final class PartSpool: Sendable {
    private struct State {
        var count = 0
        var hash = Crypto.SHA256()
    }

    /// So much is sent from memory, while other bytes are appended.
    static let shortContent = 256 << 10

    private let file: Descriptor
    private let state = Mutex(State())

    init(in folder: String) throws(SystemError) { file = try UnnamedFile.openForReading(in: folder) }

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

    /// All that has been appended. Nothing else may be appended before it has been sent, unless it is short.
    func content() throws(SystemError) -> PartContent {
        let (count, digest) = state.withLock { ($0.count, Array($0.hash.finalize())) }
        guard count <= Self.shortContent else {
            return PartContent(.descriptor(file.raw, length: Int64(count)), count, digest, of: self)
        }
        return PartContent(.bytes(try file.read(at: 0, count: count)), count, digest)
    }
}

/// Where parts are kept until the store has them.
struct SpoolSettings: Sendable {
    let folder: String
    let threadPool: NIOThreadPool
    let budget: BufferBudget
}

/// The way of the files of one request to the store: however many they are, few of their parts are under way at the same time.
struct PartQueue: Sendable {
    /// How many parts are under way, or wait for it, besides the one that is being received.
    private static let partsUnderWay = 3

    let spools: SpoolSettings
    let writes: WriteQueue
    let slots = OpenFileLimit(of: "parts", descriptors: PartQueue.partsUnderWay + 1, timeout: .seconds(3600))

    init(_ spools: SpoolSettings) {
        self.spools = spools
        writes = WriteQueue(threadPool: spools.threadPool, syncPool: spools.threadPool, budget: spools.budget)
    }
}

/// What is sent to the store with one request, with its length and its SHA-256, which the store checks.
struct PartContent: Sendable {
    let size: Int
    private let content: Content
    private let digest: [UInt8]
    /// Keeps the content.
    private let spool: PartSpool?

    fileprivate init(_ content: Content, _ size: Int, _ digest: [UInt8], of spool: PartSpool? = nil) {
        (self.content, self.size, self.digest, self.spool) = (content, size, digest, spool)
    }

    init(_ bytes: [UInt8]) {
        self.init(.bytes(bytes), bytes.count, Array(Crypto.SHA256.hash(data: bytes)))
    }

    /// The base64 SHA-256.
    var checksum: String { Base64.encoded(digest) }

    func set(in request: inout S3Client.Request) {
        request.content = content
        request.contentHash = digest.hexadecimal
        request.fields.append(("x-amz-checksum-sha256", checksum))
    }
}
