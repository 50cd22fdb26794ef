internal import Synchronization

/// A block of content and, later, its encoding. Used over and over, by one thread at a time: the
/// one that fills it, a worker, and the first one again.
final class EncodingBlock<Checksum: Sendable>: Sendable {
    struct Storage {
        /// The content before the block, `windowCount` bytes of it, and the block behind that.
        var content: [UInt8]
        var windowCount = 0
        /// Of the block alone.
        var count = 0
        /// Whether it is known to be compressed already.
        var isCompressed = false
        var output: [UInt8]
        var outputCount = 0
        var checksum: Checksum?

        /// Adds what `body` writes to where the next bytes of the block go.
        mutating func append<E: Error>(
            limit: Int, _ body: (UnsafeMutableRawBufferPointer) throws(E) -> Int
        ) throws(E) -> Int {
            let room = (windowCount + count)..<(windowCount + limit)
            let added = try content.withUnsafeMutableBufferPointer { (bytes) throws(E) in
                try body(UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(bytes)[room]))
            }
            count += added
            return added
        }
    }

    let storage: Mutex<Storage>
    /// Whether the worker has done with it. Without it, looking would wait for the worker.
    private let isEncoded = Atomic(false)

    /// - Parameters:
    ///   - contentLength: bytes, of window and block together.
    ///   - outputLength: the most bytes of the encoding.
    init(contentLength: Int, outputLength: Int) {
        let content = [UInt8](repeating: 0, count: contentLength)
        storage = Mutex(Storage(content: content, output: [UInt8](repeating: 0, count: outputLength)))
    }

    var isDone: Bool { isEncoded.load(ordering: .acquiring) }

    /// Empties it for new content, which comes behind `window`.
    func begin(after window: [UInt8]) {
        isEncoded.store(false, ordering: .releasing)
        storage.withLock { storage in
            storage.content.replaceSubrange(..<window.count, with: window)
            storage.windowCount = window.count
            storage.count = 0
            storage.outputCount = 0
            storage.checksum = nil
        }
    }

    /// On a worker's thread.
    func encode<Coder: BlockCoder>(_ coder: Coder, _ worker: Coder.Worker) where Coder.Checksum == Checksum {
        storage.withLock { storage in
            let content = storage.content
            let (windowCount, count) = (storage.windowCount, storage.count)
            let isCompressed = storage.isCompressed
            let encoded = content.withUnsafeBytes { content in
                storage.output.withUnsafeMutableBytes { output in
                    coder.encode(
                        UnsafeRawBufferPointer(rebasing: content[windowCount...].prefix(count)),
                        after: UnsafeRawBufferPointer(rebasing: content[..<windowCount]),
                        isCompressed: isCompressed,
                        with: worker,
                        into: output
                    )
                }
            }
            storage.outputCount = encoded.count
            storage.checksum = encoded.checksum
        }
        isEncoded.store(true, ordering: .releasing)
    }
}
