internal import Synchronization

/// Encodes content into one stream, in blocks that several threads encode at the same time.
///
/// The stream depends on the content, on where it was flushed, and on the settings of the coder. It does not depend on
/// the number of workers or on timing. The encoder starts no thread; the caller provides the threads. Its methods never
/// wait, and only one thread may call them at a time.
///
/// ```swift
/// while !encoder.isAtEnd {
///     reading: while !isFileRead {
///         switch try encoder.fill({ try file.read(into: $0) }) {
///         case .filled: continue
///         case .full: break reading
///         case .sourceIsDry:
///             encoder.finish()
///             isFileRead = true
///         }
///     }
///     let count = encoder.read(into: buffer)
///     // Write these bytes. If there are none, wait for `onEncoded`.
/// }
/// ```
///
/// It allocates up to two blocks per worker, with windows and encodings, one more block, and the state of each worker:
/// with ``DeflateBlockCoder`` about 1.3 MiB per worker.
public struct ParallelEncoder<Coder: BlockCoder>: ~Copyable {
    private typealias Block = EncodingBlock<Coder.Checksum>

    /// The result of ``fill(isCompressed:_:)``.
    public enum FillResult: Sendable {
        /// The encoder has read content from the source.
        case filled
        /// The source wrote no content.
        case sourceIsDry
        /// There is no free block. Call ``read(into:)`` first.
        case full
    }

    private enum Phase {
        /// → `finishing`
        case open
        /// All content has been read. → `ended`
        case finishing
        /// The trailer is in `framing`.
        case ended
    }

    /// A place between two blocks, from which another encoder with the same coder can continue the stream. It needs the
    /// content from there on, and ``BlockCoder/windowLength`` bytes before it.
    public struct Checkpoint: Sendable {
        /// The number of bytes of the stream before it.
        public let codedLength: Int64
        /// The number of bytes of content before it.
        public let contentLength: Int64
        /// The checksum of that content.
        public let checksum: Coder.Checksum

        /// Makes the value that another encoder had as its ``ParallelEncoder/checkpoint``.
        public init(codedLength: Int64, contentLength: Int64, checksum: Coder.Checksum) {
            self.codedLength = codedLength
            self.contentLength = contentLength
            self.checksum = checksum
        }
    }

    /// The length of a block of content: 256 KiB. With 128 KiB, as in pigz, setting the window takes 1 % more time.
    /// Longer blocks delay the output and take more memory.
    public static var blockLength: Int { 256 << 10 }

    /// The memory of a block with its window and encoding, in bytes, without the coder's overhead.
    public static var blockMemory: Int { (32 << 10) + blockLength * 2 }

    private let coder: Coder
    private let queue: EncodingQueue<Coder>
    private var phase = Phase.open
    /// The number of blocks that may still be allocated.
    private var allocatable: Int
    private var spare: [Block] = []
    /// The block being filled. It may be empty.
    private var current: Block?
    private var currentCount = 0
    private var currentIsCompressed = false
    /// Blocks in the queue and encoded blocks that have not been read completely, in order.
    private var submitted: [Block] = []
    /// The content before the next block.
    private var window: [UInt8] = []
    /// Bytes of header, trailer or empty block, to be read before the blocks.
    private var framing: ArraySlice<UInt8>
    /// The number of bytes read from the first submitted block's encoding.
    private var offset = 0
    private var checksum: Coder.Checksum
    private var contentLength: Int64 = 0
    /// The number of bytes of the stream that were read.
    private var codedLength: Int64 = 0
    /// The end of the last block that was read completely; nil before.
    public private(set) var checkpoint: Checkpoint?

    /// Makes an encoder for one stream.
    ///
    /// - Parameters:
    ///   - coder: encodes the blocks.
    ///   - workers: the maximum number of blocks that are encoded at the same time, 1 or more.
    ///   - checkpoint: where to continue a stream that another encoder has begun; see ``setWindow(_:)``. Nil by default, for a
    ///     new stream.
    ///   - execute: runs its argument, which takes some milliseconds, soon on any thread. It is called on the caller's
    ///     thread and on the threads that it uses itself.
    ///   - onEncoded: called on these threads when there may be more to read or room for more content.
    public init(
        _ coder: Coder, workers: Int, continuing checkpoint: Checkpoint? = nil,
        execute: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
        onEncoded: @escaping @Sendable () -> Void
    ) {
        precondition(workers > 0, "there must be a worker")
        self.coder = coder
        queue = EncodingQueue(coder, workers: workers, execute: execute, onEncoded: onEncoded)
        allocatable = workers * 2 + 1
        framing = checkpoint == nil ? coder.header[...] : []
        checksum = checkpoint?.checksum ?? coder.emptyChecksum
        contentLength = checkpoint?.contentLength ?? 0
        codedLength = checkpoint?.codedLength ?? 0
        self.checkpoint = checkpoint
    }

    /// Sets the content before the checkpoint at which the encoder continues a stream: the last
    /// ``BlockCoder/windowLength`` bytes, or all if there are fewer. To be called before the first content is added.
    public mutating func setWindow(_ content: [UInt8]) {
        precondition(current == nil && submitted.isEmpty, "the window must be set before content is added")
        window = content
    }

    deinit { queue.close() }

    /// Whether ``finish()`` has been called.
    public var isFinished: Bool { phase != .open }

    /// Whether the whole stream, with its trailer, has been read.
    public var isAtEnd: Bool { phase == .ended && framing.isEmpty }

    /// Whether the encoding of all content so far has been read.
    public var isDrained: Bool { currentCount == 0 && submitted.isEmpty && framing.isEmpty }

    /// Reads content from `source`, up to the end of a block.
    ///
    /// - Parameters:
    ///   - isCompressed: whether the content is known to be compressed already. A change starts a new block.
    ///     Default: false.
    ///   - source: writes content to the buffer and returns the number of bytes, or 0 if there is none.
    /// - Throws: the error of `source`.
    public mutating func fill<E: Error>(
        isCompressed: Bool = false, _ source: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) -> FillResult {
        precondition(phase == .open, "content after the end")
        if isCompressed != currentIsCompressed { flush() }
        currentIsCompressed = isCompressed
        if current == nil { current = takeSpare() }
        guard let block = current else { return .full }
        let count = try block.storage.withLock { (storage) throws(E) in
            try storage.append(limit: Self.blockLength, source)
        }
        guard count > 0 else { return .sourceIsDry }
        currentCount += count
        if currentCount == Self.blockLength { flush() }
        return .filled
    }

    /// Starts encoding all content so far, so that a receiver can decode it before more follows.
    public mutating func flush() {
        guard currentCount > 0, let block = current.take() else { return }
        currentCount = 0
        window = block.storage.withLock { storage in
            storage.isCompressed = currentIsCompressed
            let end = storage.windowCount + storage.count
            return Array(storage.content[max(0, end - coder.windowLength)..<end])
        }
        submitted.append(block)
        queue.submit(block)
    }

    /// Adds bytes that decode to nothing, to keep an idle connection open. Also frees the memory of the encoder until
    /// there is more content. Does nothing unless the encoder ``isDrained``.
    public mutating func appendEmptyBlock() {
        guard isDrained, phase == .open else { return }
        framing = coder.emptyBlock[...]
        allocatable += spare.count + (current == nil ? 0 : 1)
        (spare, current) = ([], nil)
        queue.releaseMemory()
    }

    /// Ends the content. The rest of the stream can then be read.
    public mutating func finish() {
        guard phase == .open else { return }
        flush()
        phase = .finishing
    }

    /// Reads bytes of the stream that are ready.
    ///
    /// - Returns: the number of bytes written to `output`. If it is less than `output.count`, no more are ready.
    public mutating func read(into output: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        while count < output.count {
            let room = UnsafeMutableRawBufferPointer(rebasing: output[count...])
            if !framing.isEmpty {
                let moved = framing.move(to: room)
                count += moved
                codedLength += Int64(moved)
            } else if let block = submitted.first {
                guard block.isDone else { break }
                count += take(block, room)
            } else if phase == .finishing {
                framing = coder.trailer(checksum, contentLength: contentLength)[...]
                phase = .ended
                // Frees all memory.
                (spare, window, current) = ([], [], nil)
                queue.close()
            } else {
                break
            }
        }
        return count
    }

    private mutating func take(_ block: Block, _ output: UnsafeMutableRawBufferPointer) -> Int {
        let start = offset
        let (count, isLast, length, blockChecksum) = block.storage.withLock { storage in
            let count = min(storage.outputCount - start, output.count)
            output.copyBytes(from: storage.output[start..<(start + count)])
            return (count, start + count == storage.outputCount, storage.count, storage.checksum)
        }
        offset += count
        codedLength += Int64(count)
        if isLast, let blockChecksum {
            checksum = coder.combine(checksum, blockChecksum, secondLength: length)
            contentLength += Int64(length)
            checkpoint = Checkpoint(codedLength: codedLength, contentLength: contentLength, checksum: checksum)
            offset = 0
            submitted.removeFirst()
            spare.append(block)
        }
        return count
    }

    private mutating func takeSpare() -> Block? {
        let block: Block
        if let last = spare.popLast() {
            block = last
        } else {
            guard allocatable > 0 else { return nil }
            allocatable -= 1
            block = Block(
                contentLength: coder.windowLength + Self.blockLength,
                outputLength: coder.maximumLength(ofBlock: Self.blockLength)
            )
        }
        block.begin(after: window)
        return block
    }
}
