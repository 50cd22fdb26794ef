internal import Synchronization

/// Encodes content into one stream in blocks, several of which are worked on at a time, and puts
/// them together in order.
///
/// The stream depends on the content, on where it was flushed, and on the coder's settings; not on
/// the number of workers, nor on who is faster. Starts no thread: whoever makes it says where the
/// workers run. Its own methods never wait; they are one caller's at a time.
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
///     // Write these, or, where there are none, wait for `onEncoded`.
/// }
/// ```
///
/// Holds, for each worker, two blocks with their windows and encodings, and what the coder's worker
/// needs; and one block more: 1.3 MiB a worker with ``DeflateBlockCoder``, once so much content
/// has come.
public struct ParallelEncoder<Coder: BlockCoder>: ~Copyable {
    private typealias Block = EncodingBlock<Coder.Checksum>

    /// What has become of a call of ``fill(isCompressed:_:)``.
    public enum FillResult: Sendable {
        /// Some content was taken.
        case filled
        /// The source gave nothing.
        case sourceIsDry
        /// There is no room before something is read.
        case full
    }

    private enum Phase {
        /// → `finishing`
        case open
        /// All content is there. → `ended`
        case finishing
        /// The trailer is in `framing`.
        case ended
    }

    /// Bytes of content. With 128 KiB, what pigz takes, the work of taking in the window costs one
    /// in a hundred more; larger ones are slower to come, and take more memory.
    public static var blockLength: Int { 256 << 10 }

    /// Bytes that each block takes, with its window and its encoding, up to the coder's framing of that.
    public static var blockMemory: Int { (32 << 10) + blockLength * 2 }

    private let coder: Coder
    private let queue: EncodingQueue<Coder>
    private var phase = Phase.open
    /// How many blocks may be made yet.
    private var unmade: Int
    private var spare: [Block] = []
    /// The one being filled, perhaps with nothing yet.
    private var current: Block?
    private var currentCount = 0
    private var currentIsCompressed = false
    /// Given to the queue and not yet read to their ends, in order.
    private var submitted: [Block] = []
    /// The content before the next block.
    private var window: [UInt8] = []
    /// Header, trailer and empty blocks, to be read before the blocks.
    private var framing: ArraySlice<UInt8>
    /// Bytes read of the first submitted block's encoding.
    private var offset = 0
    private var checksum: Coder.Checksum
    private var contentLength: Int64 = 0

    /// - Parameters:
    ///   - workers: how many blocks may be encoded at a time.
    ///   - execute: runs a piece of work of some milliseconds soon, on whatever thread. Called on
    ///     the caller's thread and on those of the work.
    ///   - onEncoded: called from within the work when there may be more to read, and more room.
    public init(
        _ coder: Coder, workers: Int,
        execute: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
        onEncoded: @escaping @Sendable () -> Void
    ) {
        precondition(workers > 0, "there must be a worker")
        self.coder = coder
        queue = EncodingQueue(coder, workers: workers, execute: execute, onEncoded: onEncoded)
        unmade = workers * 2 + 1
        framing = coder.header[...]
        checksum = coder.emptyChecksum
    }

    deinit { queue.close() }

    /// Whether it has been said that no more content comes.
    public var isFinished: Bool { phase != .open }

    /// Whether all of the stream, its trailer too, has been read.
    public var isAtEnd: Bool { phase == .ended && framing.isEmpty }

    /// Whether all content given so far has been read, encoded.
    public var isDrained: Bool { currentCount == 0 && submitted.isEmpty && framing.isEmpty }

    /// Takes content, up to a block's end.
    ///
    /// - Parameters:
    ///   - isCompressed: whether the content is known to be compressed already. A block holds
    ///     content of one kind.
    ///   - source: writes content to the buffer and returns how many bytes; 0 if it has none.
    public mutating func fill<E: Error>(
        isCompressed: Bool = false, _ source: (UnsafeMutableRawBufferPointer) throws(E) -> Int
    ) throws(E) -> FillResult {
        precondition(phase == .open, "content behind the end")
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

    /// Has all content given so far encoded, so that it can be decoded before more comes.
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

    /// Adds what means nothing, to show that the stream is alive; only while it is drained. A stream
    /// that has been idle for so long also lets go of its memory, until more content comes.
    public mutating func appendEmptyBlock() {
        guard isDrained, phase == .open else { return }
        framing = coder.emptyBlock[...]
        unmade += spare.count + (current == nil ? 0 : 1)
        (spare, current) = ([], nil)
        queue.releaseMemory()
    }

    /// Says that no more content comes.
    public mutating func finish() {
        guard phase == .open else { return }
        flush()
        phase = .finishing
    }

    /// Reads what is ready of the stream.
    ///
    /// - Returns: how many bytes; less than `output.count`, or 0, if nothing more is ready.
    public mutating func read(into output: UnsafeMutableRawBufferPointer) -> Int {
        var count = 0
        while count < output.count {
            let room = UnsafeMutableRawBufferPointer(rebasing: output[count...])
            if !framing.isEmpty {
                count += takeFraming(room)
            } else if let block = submitted.first {
                guard block.isDone else { break }
                count += take(block, room)
            } else if phase == .finishing {
                framing = coder.trailer(checksum, contentLength: contentLength)[...]
                phase = .ended
                letGo()
            } else {
                break
            }
        }
        return count
    }

    /// Keeps no memory behind the end.
    private mutating func letGo() {
        (spare, window, current) = ([], [], nil)
        queue.close()
    }

    private mutating func takeFraming(_ output: UnsafeMutableRawBufferPointer) -> Int {
        let count = min(framing.count, output.count)
        output.copyBytes(from: framing.prefix(count))
        framing = framing.dropFirst(count)
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
        if isLast, let blockChecksum {
            checksum = coder.combine(checksum, blockChecksum, secondLength: length)
            contentLength += Int64(length)
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
            guard unmade > 0 else { return nil }
            unmade -= 1
            block = Block(
                contentLength: coder.windowLength + Self.blockLength,
                outputLength: coder.maximumLength(ofBlock: Self.blockLength)
            )
        }
        block.begin(after: window)
        return block
    }
}
