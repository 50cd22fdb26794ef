internal import Synchronization

/// Bytes to be sent, ready to be read: opened and measured, but not read yet.
///
/// One type conforms for each kind of content. ``MultipartSource`` and ``CodedSource`` combine others.
protocol Source: Sendable {
    /// How errors call it: a path, or a description.
    var name: String { get }
    /// Bytes; nil if that is not known before they are read.
    var length: Int64? { get }
    /// Bytes before a content coding; nil if that is not known.
    var plainLength: Int64? { get }
    /// The media type that only the source knows: the boundary is part of it.
    var mediaType: String? { get }
    /// Bytes of memory that keeping the source takes.
    var footprint: Int { get }
    /// Whether all bytes are in memory, so that reading them neither waits nor fails.
    var isInMemory: Bool { get }
    /// Whether the bytes are known to be compressed.
    var isCompressed: Bool { get }
    /// How many encoders work at a time while it is read, and the memory that they take.
    var encoderCount: Int { get }
    var demand: BufferDemand { get }
    /// Whether the source can be read more than once.
    var isRepeatable: Bool { get }
    /// Whether more may be added to it while it is read; see ``MultipartSource``.
    var isOpenEnded: Bool { get }
    /// Whether nothing will be added any more.
    var isFinished: Bool { get }
    /// Why the source cannot be read again from its beginning; nil if it can.
    var obstacle: String? { get }

    /// Begins to read; called in the agent's turn.
    ///
    /// - Parameter offset: of the first byte to be read.
    /// - Throws: ``ClientError/Code/cannotSendAgain`` if nothing can be read from there.
    func reader(at offset: Int64, _ context: ReadContext) throws(ClientError) -> any SourceReader

    /// Tells a producer that nothing of the source is needed any more.
    func abandon()
}

extension Source {
    var isInMemory: Bool { false }
    var isCompressed: Bool { false }
    var plainLength: Int64? { length }
    var mediaType: String? { nil }
    var encoderCount: Int { 0 }
    var demand: BufferDemand { .none }
    var isRepeatable: Bool { true }
    var isOpenEnded: Bool { false }
    var isFinished: Bool { true }
    var obstacle: String? { nil }

    func abandon() {}
}

/// Reads a source from an offset on. Agent's turns only; files and tasks that it uses end with it.
protocol SourceReader: AnyObject {
    /// Whether the bytes to be read next are known to be compressed.
    var isCompressed: Bool { get }
    /// Whether all bytes have been given out.
    var isAtEnd: Bool { get }
    /// Bytes read from the beginning of the source on, before a content coding.
    var bytesRead: Int64 { get }
    /// The part of the message that is being read, or the last one that was; nil without parts.
    var currentPart: UploadProgress.Part? { get }
    /// The descriptor that must become readable before more can be read; nil if there is none.
    var awaitedDescriptor: Int32? { get }

    /// Fills `buffer`, which is not empty, as far as there are bytes of one kind, compressed or not.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome

    /// Reads on into the room that the encoders within it have made.
    func readAhead() throws(ClientError)

    /// Has an encoder emit a block without content, which shows the server that the request is alive.
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
    /// This many bytes were read, at least one.
    case bytes(Int)
    /// There is nothing yet: the source has no bytes, or they are being encoded.
    case waiting
    /// There is nothing until the caller adds more.
    case needsInput
    case end
}

/// What a source needs to know of the transfer that reads it.
final class ReadContext: Sendable {
    /// The priority of the call that waits for the transfer.
    let priority: TaskPriority
    /// Called on any thread when there may be more to read.
    let onContent: @Sendable () -> Void
    private let limit = Atomic(Int.max)

    init(priority: TaskPriority, onContent: @escaping @Sendable () -> Void) {
        self.priority = priority
        self.onContent = onContent
    }

    /// How many blocks an encoder may encode at a time, by the memory that the transfer was granted. Applies to
    /// encoders that begin afterwards.
    var workerLimit: Int {
        get { limit.load(ordering: .relaxed) }
        set { limit.store(newValue, ordering: .relaxed) }
    }
}

/// Marks a source that can be read once only. Shared by all copies of its content.
final class ReadOnce: Sendable {
    private let hasBegun = Atomic<Bool>(false)

    var isBegun: Bool { hasBegun.load(ordering: .acquiring) }

    /// To be called before the first bytes are taken from the source.
    ///
    /// - Throws: ``ClientError/Code/cannotSendAgain`` if bytes have been taken before.
    func begin(_ name: String) throws(ClientError) {
        guard !hasBegun.exchange(true, ordering: .acquiringAndReleasing) else { throw ClientError.notRepeatable(name) }
    }

    /// See ``Source/obstacle``.
    func obstacle(_ name: String) -> String? { isBegun ? "\(name) can be read once only" : nil }
}
