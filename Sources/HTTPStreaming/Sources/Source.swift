internal import Synchronization

/// Content that has been opened and measured, and is ready to be read.
///
/// Each kind of content has a conforming type. ``MultipartSource`` and ``CodedSource`` combine other sources.
protocol Source: AnyObject, Sendable {
    /// The name in errors: a path or a description.
    var name: String { get }
    /// The number of bytes; nil if it is unknown before they are read.
    var length: Int64? { get }
    /// The number of bytes before a content coding; nil if it is unknown.
    var plainLength: Int64? { get }
    /// The media type, if the source determines it: that of a form contains its boundary.
    var mediaType: String? { get }
    /// The memory in bytes that the source occupies.
    var footprint: Int { get }
    /// Whether all bytes are in memory, so that reading neither waits nor fails.
    var isInMemory: Bool { get }
    /// Whether the bytes are known to be compressed.
    var isCompressed: Bool { get }
    /// The number of encoders that run at the same time while the source is read.
    var encoderCount: Int { get }
    /// The memory that those encoders need.
    var demand: BufferDemand { get }
    /// The memory that copies of bytes take which may have to be sent again; see ``WindowSource``.
    var heldMemory: Int { get }
    /// Whether the source can be read more than once.
    var isRepeatable: Bool { get }
    /// Whether parts may be added while the source is read; see ``MultipartSource``.
    var isOpenEnded: Bool { get }
    /// Whether no more parts will be added.
    var isFinished: Bool { get }
    /// Whether the end must be asked for after the last byte, because it may be held back, or may not be there.
    var hasLateEnd: Bool { get }
    /// Why the source cannot be read again from its beginning; nil if it can.
    var obstacle: String? { get }

    /// Makes a reader. Called on the agent's thread.
    ///
    /// - Parameter offset: the offset of the first byte to read.
    /// - Throws: ``ClientError/Code/cannotSendAgain`` if the source cannot be read from there.
    func reader(at offset: Int64, _ context: ReadContext) throws(ClientError) -> any SourceReader

    /// What another process needs to read the same bytes; nil if it cannot read them.
    var journalEntry: UploadJournal.Entry? { get }

    /// The server keeps the bytes up to this offset: they will not be read again. Called on the agent's thread.
    func acknowledged(to offset: Int64)

    /// Tells the producer of the bytes that no more are needed.
    func abandon()
}

extension Source {
    var isInMemory: Bool { false }
    var isCompressed: Bool { false }
    var plainLength: Int64? { length }
    var mediaType: String? { nil }
    var encoderCount: Int { 0 }
    var demand: BufferDemand { .none }
    var heldMemory: Int { 0 }
    var isRepeatable: Bool { true }
    var isOpenEnded: Bool { false }
    var isFinished: Bool { true }
    var hasLateEnd: Bool { false }
    var obstacle: String? { nil }
    var journalEntry: UploadJournal.Entry? { nil }

    func acknowledged(to offset: Int64) {}
    func abandon() {}
}

/// Reads a source from an offset to its end. Used only on the agent's thread. Releasing it closes its files and cancels
/// its tasks.
protocol SourceReader: AnyObject {
    /// Whether the next bytes are known to be compressed.
    var isCompressed: Bool { get }
    /// Whether all bytes have been read.
    var isAtEnd: Bool { get }
    /// The number of bytes read, counted from the beginning of the source, before a content coding.
    var bytesRead: Int64 { get }
    /// The part that is being read, or the last one that was; nil without parts.
    var currentPart: UploadProgress.Part? { get }
    /// The descriptor to poll for readability before the next read; nil if there is none.
    var awaitedDescriptor: Int32? { get }

    /// Fills a non-empty buffer with the bytes available. Stops where compressed and other bytes meet. Never blocks.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome

    /// Reads ahead into free blocks of the encoders in this reader.
    func readAhead() throws(ClientError)

    /// Has the encoder emit a block without content, as a heartbeat.
    func appendEmptyBlock()
}

extension SourceReader {
    var isCompressed: Bool { false }
    var currentPart: UploadProgress.Part? { nil }
    var awaitedDescriptor: Int32? { nil }

    func readAhead() throws(ClientError) {}
    func appendEmptyBlock() {}
}

enum ReadOutcome: Equatable {
    /// This many bytes were read, at least 1.
    case bytes(Int)
    /// No bytes yet: the source has none, or they are being encoded.
    case waiting
    /// No bytes until the caller adds parts or writes more.
    case needsInput
    case end
}

/// Properties of the transfer that reads a source.
final class ReadContext: Sendable {
    /// The priority of the task that waits for the transfer.
    let priority: TaskPriority
    /// Called, on any thread, when there may be more bytes to read.
    let onContent: @Sendable () -> Void
    /// Whether the body is only counted, and will be read again.
    let isCounting: Bool
    /// Whether the source may be read again from an offset.
    let isResumable: Bool
    private let limit = Atomic(Int.max)

    init(
        priority: TaskPriority, isCounting: Bool = false, isResumable: Bool = false,
        onContent: @escaping @Sendable () -> Void
    ) {
        self.isResumable = isResumable
        self.priority = priority
        self.isCounting = isCounting
        self.onContent = onContent
    }

    /// The maximum number of blocks that an encoder encodes at the same time, as the memory granted to the transfer
    /// allows. Applies to encoders made afterwards.
    var workerLimit: Int {
        get { limit.load(ordering: .relaxed) }
        set { limit.store(newValue, ordering: .relaxed) }
    }
}

/// Records whether a source that can be read only once has been read from, and how far. Shared by all copies of its content.
final class ReadOnce: Sendable {
    private let hasBegun = Atomic<Bool>(false)
    private let consumed = Atomic<Int64>(0)

    /// How many bytes have been read. A reader from there on continues the reading.
    var offset: Int64 { consumed.load(ordering: .acquiring) }

    func advance(to offset: Int64) { consumed.store(offset, ordering: .releasing) }

    var isBegun: Bool { hasBegun.load(ordering: .acquiring) }

    /// Must be called before the first bytes are read from the source.
    ///
    /// - Throws: ``ClientError/Code/cannotSendAgain`` if bytes have been read before.
    func begin(_ name: String) throws(ClientError) {
        guard !hasBegun.exchange(true, ordering: .acquiringAndReleasing) else { throw ClientError.notRepeatable(name) }
    }

    /// See ``Source/obstacle``.
    func obstacle(_ name: String) -> String? { isBegun ? "\(name) can be read only once" : nil }
}
