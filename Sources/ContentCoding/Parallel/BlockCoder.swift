/// What encodes the blocks of one stream apart from one another, so that several threads may, and
/// knows what stands before, between and behind them; see ``ParallelEncoder``.
public protocol BlockCoder: Sendable {
    /// What one thread at a time needs for its work, and keeps from block to block.
    associatedtype Worker: AnyObject
    /// Of the content.
    associatedtype Checksum: Sendable

    /// How many bytes of the content before a block its encoding may refer to.
    var windowLength: Int { get }
    /// What the stream begins with.
    var header: [UInt8] { get }
    /// What may stand between two blocks and means nothing: it keeps an idle stream alive.
    var emptyBlock: [UInt8] { get }
    /// Of no content at all.
    var emptyChecksum: Checksum { get }

    func makeWorker() -> sending Worker

    /// The most bytes that a block of so many becomes.
    func maximumLength(ofBlock length: Int) -> Int

    /// Writes the encoding of a block, which must end at a byte's boundary.
    ///
    /// - Parameters:
    ///   - window: the content right before it; fewer than ``windowLength`` bytes at the stream's
    ///     beginning only.
    ///   - isCompressed: whether the block is known to be compressed already.
    ///   - output: at least ``maximumLength(ofBlock:)`` bytes.
    /// - Returns: how many bytes were written, and the block's checksum.
    func encode(
        _ block: UnsafeRawBufferPointer, after window: UnsafeRawBufferPointer, isCompressed: Bool,
        with worker: Worker, into output: UnsafeMutableRawBufferPointer
    ) -> (count: Int, checksum: Checksum)

    /// The checksum of two pieces of content, one behind the other.
    func combine(_ first: Checksum, _ second: Checksum, secondLength: Int) -> Checksum

    /// What the stream ends with.
    func trailer(_ checksum: Checksum, contentLength: Int64) -> [UInt8]
}
