internal import ContentCoding
internal import Platform

/// How content is encoded.
struct CodingSettings: Hashable {
    let coding: Coding
    let level: Int
    /// The number of blocks encoded at the same time; nil for ``CodedReader/defaultWorkers``.
    var workers: Int?
    /// Whether blocks that would hardly become smaller are stored uncompressed.
    var storesIncompressible = false
}

/// A source that encodes another one while it is read.
final class CodedSource: Source {
    private let plain: any Source
    private let settings: CodingSettings

    init(_ plain: any Source, _ settings: CodingSettings) {
        self.plain = plain
        self.settings = settings
    }

    var name: String { plain.name }
    var length: Int64? { nil }
    var plainLength: Int64? { plain.plainLength }
    var footprint: Int { plain.footprint }
    var isCompressed: Bool { true }
    var isRepeatable: Bool { plain.isRepeatable }
    var isOpenEnded: Bool { plain.isOpenEnded }
    var isFinished: Bool { plain.isFinished }
    var obstacle: String? { plain.obstacle }
    var encoderCount: Int { 1 + plain.encoderCount }
    var demand: BufferDemand { CodedReader.demand(settings.workers, plain.plainLength) + plain.demand }

    /// - Throws: ``ClientError/Code/cannotSendAgain`` unless the offset is 0: encoding must start there.
    func reader(at offset: Int64, _ context: ReadContext) throws(ClientError) -> any SourceReader {
        guard offset == 0 else {
            throw ClientError(.cannotSendAgain, "\(name): compressed content can only be read from its beginning")
        }
        return CodedReader(settings, try plain.reader(at: 0, context), context)
    }

    func abandon() { plain.abandon() }
}

/// Encodes a source in tasks. Only the agent uses this type: it reads blocks ahead for the tasks and never waits.
final class CodedReader: SourceReader {
    /// The default number of workers.
    static let defaultWorkers = min(8, Processors.count)

    /// The number of bytes read before the agent serves other clients: several blocks of 256 KiB, so that at least one
    /// gets encoded.
    private static let bytesAtOnce = 1 << 20

    private let plain: any SourceReader
    private var encoder: ParallelEncoder<DeflateBlockCoder>

    fileprivate init(_ settings: CodingSettings, _ plain: any SourceReader, _ context: ReadContext) {
        self.plain = plain
        encoder = ParallelEncoder(
            DeflateBlockCoder(
                settings.coding, level: settings.level, storesIncompressible: settings.storesIncompressible),
            workers: min(settings.workers ?? Self.defaultWorkers, context.workerLimit),
            execute: { work in Task.detached(priority: context.priority) { work() } },
            onEncoded: context.onContent
        )
    }

    var isCompressed: Bool { true }
    var isAtEnd: Bool { encoder.isAtEnd }
    var bytesRead: Int64 { plain.bytesRead }
    var currentPart: UploadProgress.Part? { plain.currentPart }
    var awaitedDescriptor: Int32? { plain.awaitedDescriptor }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        let outcome = try fillBlocks()
        let count = encoder.read(into: buffer)
        if count > 0 { return .bytes(count) }
        if encoder.isAtEnd { return .end }
        return outcome == .needsInput && encoder.isDrained ? .needsInput : .waiting
    }

    func readAhead() throws(ClientError) {
        try plain.readAhead()
        _ = try fillBlocks()
    }

    /// Fills free blocks, up to ``bytesAtOnce``. Called again whenever a block has been encoded.
    ///
    /// - Returns: the reason why it stopped.
    private func fillBlocks() throws(ClientError) -> ReadOutcome {
        var bytesRead = 0
        while !encoder.isFinished {
            guard bytesRead < Self.bytesAtOnce else { return .waiting }
            var outcome = ReadOutcome.waiting
            _ = try encoder.fill(isCompressed: plain.isCompressed) { (room) throws(ClientError) in
                outcome = try plain.read(into: room)
                return if case .bytes(let count) = outcome { count } else { 0 }
            }
            switch outcome {
            case .bytes(let count): bytesRead += count
            // The source had no bytes, or there was no free block and it was not read.
            case .waiting: return .waiting
            case .needsInput:
                // Everything written so far must reach the server before more is added.
                encoder.flush()
                return .needsInput
            case .end:
                encoder.finish()
            }
        }
        return .end
    }

    func appendEmptyBlock() { encoder.appendEmptyBlock() }
}

extension CodedReader {
    /// The memory of a zlib stream with the largest window. https://zlib.net/zlib_tech.html
    private static let workerMemory = 272 << 10

    /// The memory in bytes for this many workers: two blocks for each, and the block being read.
    private static func memory(_ workers: Int) -> Int {
        workers * (2 * ParallelEncoder<DeflateBlockCoder>.blockMemory + workerMemory)
            + ParallelEncoder<DeflateBlockCoder>.blockMemory
    }

    /// The memory needed to encode content of this length with up to this many workers.
    static func demand(_ workers: Int?, _ contentLength: Int64?) -> BufferDemand {
        let blockLength = Int64(ParallelEncoder<DeflateBlockCoder>.blockLength)
        // Short content needs fewer blocks.
        guard let contentLength, contentLength < blockLength * 2 else {
            return BufferDemand(least: memory(1), most: memory(workers ?? defaultWorkers))
        }
        let bytes =
            Int(max(1, (contentLength + blockLength - 1) / blockLength))
            * ParallelEncoder<DeflateBlockCoder>.blockMemory + workerMemory
        return BufferDemand(least: bytes, most: bytes)
    }

    /// The number of workers that fit into this much memory, at least 1.
    static func workers(within bytes: Int) -> Int {
        max(1, (bytes - memory(0)) / (memory(1) - memory(0)))
    }
}
