/// Encodes blocks of one stream independently of each other, so that several threads can work on them. Also provides
/// the bytes before, between and after the blocks. ``ParallelEncoder`` uses it.
public protocol BlockCoder: Sendable {
    /// The state that one thread at a time uses for encoding, and keeps from block to block.
    associatedtype Worker: AnyObject
    /// A checksum of content.
    associatedtype Checksum: Sendable

    /// The number of bytes of preceding content to which a block's encoding may refer.
    var windowLength: Int { get }
    /// The first bytes of the stream.
    var header: [UInt8] { get }
    /// Bytes that may stand between two blocks and decode to nothing. They keep an idle connection open.
    var emptyBlock: [UInt8] { get }
    /// The checksum of empty content.
    var emptyChecksum: Checksum { get }

    /// Makes the state for one thread.
    func makeWorker() -> sending Worker

    /// Returns the maximum length of the encoding of a block with `length` bytes.
    func maximumLength(ofBlock length: Int) -> Int

    /// Encodes a block. The encoding must end at a byte boundary.
    ///
    /// - Parameters:
    ///   - block: the content.
    ///   - window: the preceding content. It has ``windowLength`` bytes, or fewer at the start of the stream.
    ///   - isCompressed: whether the block is known to be compressed already.
    ///   - worker: the state, which no other thread uses at the same time.
    ///   - output: a buffer of ``maximumLength(ofBlock:)`` bytes or more.
    /// - Returns: the number of bytes written, and the block's checksum.
    func encode(
        _ block: UnsafeRawBufferPointer, after window: UnsafeRawBufferPointer, isCompressed: Bool,
        with worker: Worker, into output: UnsafeMutableRawBufferPointer
    ) -> (count: Int, checksum: Checksum)

    /// Returns the checksum of two pieces of content in sequence.
    func combine(_ first: Checksum, _ second: Checksum, secondLength: Int) -> Checksum

    /// Returns the last bytes of the stream.
    func trailer(_ checksum: Checksum, contentLength: Int64) -> [UInt8]
}
