internal import Synchronization

/// A block of content and, later, its encoding. It is reused, by one thread at a time: first the one that fills it,
/// then a worker, then the first one again.
final class EncodingBlock<Checksum: Sendable>: Sendable {
    struct Storage {
        /// `windowCount` bytes of preceding content, followed by the block.
        var content: [UInt8]
        var windowCount = 0
        /// The length of the block without the window.
        var count = 0
        /// Whether the block is known to be compressed already.
        var isCompressed = false
        var output: [UInt8]
        var outputCount = 0
        var checksum: Checksum?

        /// Lets `body` write the next bytes of the block.
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
    /// Whether the worker has finished. Reading this does not wait for the worker, as locking `storage` would.
    private let isEncoded = Atomic(false)

    /// - Parameters:
    ///   - contentLength: the maximum length of window and block together, in bytes.
    ///   - outputLength: the maximum length of the encoding, in bytes.
    init(contentLength: Int, outputLength: Int) {
        let content = [UInt8](repeating: 0, count: contentLength)
        storage = Mutex(Storage(content: content, output: [UInt8](repeating: 0, count: outputLength)))
    }

    var isDone: Bool { isEncoded.load(ordering: .acquiring) }

    /// Prepares the block for new content that follows `window`.
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

    /// Encodes the block, on the thread of a worker.
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
