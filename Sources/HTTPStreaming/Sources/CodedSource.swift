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
    let settings: CodingSettings
    let log: EncodingLog

    /// - Parameter checkpoints: of another process that has encoded the same content.
    init(_ plain: any Source, _ settings: CodingSettings, _ checkpoints: [EncodingLog.Checkpoint] = []) {
        log = EncodingLog(checkpoints)
        self.plain = plain
        self.settings = settings
    }

    var name: String { plain.name }
    var length: Int64? { nil }
    var plainLength: Int64? { plain.plainLength }
    var footprint: Int { plain.footprint }
    var isCompressed: Bool { true }
    var heldMemory: Int { plain.heldMemory }
    var isRepeatable: Bool { plain.isRepeatable }
    var isOpenEnded: Bool { plain.isOpenEnded }
    var isFinished: Bool { plain.isFinished }
    var obstacle: String? { plain.obstacle }
    var encoderCount: Int { 1 + plain.encoderCount }
    var demand: BufferDemand { CodedReader.demand(settings.workers, plain.plainLength) + plain.demand }

    /// Encodes from the last checkpoint before the offset, and discards the bytes up to it.
    func reader(at offset: Int64, _ context: ReadContext) throws(ClientError) -> any SourceReader {
        let checkpoint = offset == 0 ? nil : try log.checkpoint(before: offset, name)
        let window = min(checkpoint?.contentLength ?? 0, Int64(CodedReader.windowLength))
        let plain = try plain.reader(at: (checkpoint?.contentLength ?? 0) - window, context)
        let reader = CodedReader(settings, plain, log, checkpoint, window: Int(window), context)
        let left = offset - (checkpoint?.codedLength ?? 0)
        return left == 0 ? reader : DiscardingReader(reader, name: name, discarding: left, context)
    }

    func acknowledged(to offset: Int64) {
        plain.acknowledged(to: max(0, log.acknowledged(to: offset) - Int64(CodedReader.windowLength)))
    }

    var journalEntry: UploadJournal.Entry? {
        guard let checkpoints = log.reproducible, let plain = plain.journalEntry else { return nil }
        return .coded(settings, zlib: Zlib.version, checkpoints, plain)
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

    /// The number of bytes before a checkpoint that the encoder needs.
    fileprivate static let windowLength = DeflateBlockCoder(.gzip).windowLength

    private let plain: any SourceReader
    private var encoder: ParallelEncoder<DeflateBlockCoder>
    /// Notes checkpoints and events, if the upload may be resumed.
    private let log: EncodingLog
    private let isLogged: Bool
    /// The index of the next event in the log: those of readers before are replayed.
    private var nextEvent: Int
    /// The number of bytes that the encoder has been given, and those before its checkpoint.
    private var contentLength: Int64
    /// The bytes before the checkpoint, and how many of them are missing.
    private var window: [UInt8] = []
    private var windowLeft: Int

    /// - Parameters:
    ///   - plain: a reader at `window` bytes before the checkpoint.
    ///   - checkpoint: where to begin; nil for the beginning of the stream.
    fileprivate init(
        _ settings: CodingSettings, _ plain: any SourceReader, _ log: EncodingLog,
        _ checkpoint: EncodingLog.Checkpoint?,
        window: Int, _ context: ReadContext
    ) {
        self.plain = plain
        self.log = log
        isLogged = context.isResumable
        contentLength = checkpoint?.contentLength ?? 0
        nextEvent = log.firstEvent(from: contentLength)
        windowLeft = window
        encoder = ParallelEncoder(
            DeflateBlockCoder(
                settings.coding, level: settings.level, storesIncompressible: settings.storesIncompressible),
            workers: min(settings.workers ?? Self.defaultWorkers, context.workerLimit),
            continuing: checkpoint,
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
        if isLogged, let checkpoint = encoder.checkpoint { log.add(checkpoint) }
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
        if windowLeft > 0 {
            let outcome = try fillWindow()
            guard windowLeft == 0 else { return outcome }
        }
        var bytesRead = 0
        while !encoder.isFinished {
            guard bytesRead < Self.bytesAtOnce else { return .waiting }
            guard let limit = replayEvents() else { return .waiting }
            var outcome = ReadOutcome.waiting
            _ = try encoder.fill(isCompressed: plain.isCompressed) { (room) throws(ClientError) in
                outcome = try plain.read(into: UnsafeMutableRawBufferPointer(rebasing: room.prefix(limit)))
                return if case .bytes(let count) = outcome { count } else { 0 }
            }
            switch outcome {
            case .bytes(let count):
                bytesRead += count
                contentLength += Int64(count)
            // The source had no bytes, or there was no free block and it was not read.
            case .waiting: return .waiting
            case .needsInput:
                // Everything written so far must reach the server before more is added.
                encoder.flush()
                note(.flush)
                return .needsInput
            case .end:
                encoder.finish()
            }
        }
        return .end
    }

    func appendEmptyBlock() {
        guard encoder.isDrained, !encoder.isFinished else { return }
        encoder.appendEmptyBlock()
        note(.emptyBlock)
    }
}

// MARK: Encoding again

extension CodedReader {
    private func note(_ event: EncodingLog.Event) {
        guard isLogged else { return }
        log.add(event, at: contentLength)
        nextEvent = log.firstEvent(from: contentLength + 1)
    }

    /// Reads the bytes before the checkpoint.
    private func fillWindow() throws(ClientError) -> ReadOutcome {
        var outcome = ReadOutcome.waiting
        let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: windowLeft, alignment: 1)
        defer { bytes.deallocate() }
        while windowLeft > 0 {
            outcome = try plain.read(into: UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(windowLeft)))
            guard case .bytes(let count) = outcome else { return outcome }
            window += bytes.prefix(count)
            windowLeft -= count
        }
        encoder.setWindow(window)
        window = []
        return outcome
    }

    /// Tells the encoder what it was told at this place when the same content was encoded before.
    ///
    /// - Returns: how many bytes it may be given before the next event; nil if it must be drained first.
    private func replayEvents() -> Int? {
        while isLogged, let (offset, event) = log.event(at: nextEvent) {
            guard offset <= contentLength else { return Int(min(offset - contentLength, Int64(Int.max))) }
            switch event {
            case .flush:
                encoder.flush()
            case .emptyBlock:
                guard encoder.isDrained else { return nil }
                encoder.appendEmptyBlock()
            }
            nextEvent += 1
        }
        return Int.max
    }
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
