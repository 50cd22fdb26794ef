internal import ContentCoding
internal import Platform

/// Reads a source and gives it out encoded. The encoding is done by tasks; the agent, the
/// only one to use this, reads ahead for them, and never waits.
final class EncodingReader {
    /// The workers of an encoding whose caller has not said how many.
    static let defaultWorkers = min(8, Processors.count)

    /// How much is read from a source before other clients of the agent have their turn: some
    /// blocks, so that it always leads to one that is encoded.
    private static let bytesAtOnce = 1 << 20

    private var encoder: ParallelEncoder<DeflateBlockCoder>

    /// - Parameter storesIncompressible: whether what would hardly become smaller is left as it is.
    init(
        _ coding: Coding, level: Int, workers: Int? = nil, storesIncompressible: Bool = false, context: BodyContext
    ) {
        encoder = ParallelEncoder(
            DeflateBlockCoder(coding, level: level, storesIncompressible: storesIncompressible),
            workers: min(workers ?? Self.defaultWorkers, context.workerLimit ?? .max),
            execute: { work in Task.detached(priority: context.priority) { work() } },
            onEncoded: context.onContent
        )
    }

    /// Whether all has been given out.
    var isAtEnd: Bool { encoder.isAtEnd }

    /// Reads the source as far as there is room, and fills `buffer` with what is encoded.
    func read(
        into buffer: UnsafeMutableRawBufferPointer, from source: inout some ByteSource
    ) throws(ClientError) -> BodyRead {
        let outcome = try readAhead(from: &source)
        let count = encoder.read(into: buffer)
        if count > 0 { return .bytes(count) }
        if encoder.isAtEnd { return .end }
        return outcome == .dry && encoder.isDrained ? .dry : .waiting
    }

    /// Reads the source as far as there is room, but not for long: each block that is encoded then
    /// has it go on.
    ///
    /// - Returns: why it stopped.
    @discardableResult
    func readAhead(from source: inout some ByteSource) throws(ClientError) -> BodyRead {
        var bytesRead = 0
        while !encoder.isFinished {
            guard bytesRead < Self.bytesAtOnce else { return .waiting }
            var outcome = BodyRead.waiting
            _ = try encoder.fill(isCompressed: source.isCompressed) { (room) throws(ClientError) in
                outcome = try source.read(into: room)
                return if case .bytes(let count) = outcome { count } else { 0 }
            }
            switch outcome {
            case .bytes(let count): bytesRead += count
            // By the source, or for room: then it has not been asked.
            case .waiting: return .waiting
            case .dry:
                // What has been given must reach the server before more comes.
                encoder.flush()
                return .dry
            case .end:
                encoder.finish()
            }
        }
        return .end
    }

    /// Gives out what means nothing, to show that the request is alive.
    func appendEmptyBlock() { encoder.appendEmptyBlock() }
}
