import NIOCore

/// A storage that also keeps uploads that have not ended, so that they can go on after the connection or the server has
/// ended.
protocol ResumableStorage: Storage {
    /// Begins an upload. It is kept when this returns, with the storage's durability.
    ///
    /// - Parameter request: what the server has to know to go on with it.
    func create(_ id: UploadID, request: [UInt8]) async throws(StorageError) -> any ResumableTransaction

    /// Finds an upload.
    ///
    /// - Returns: nil if there is none.
    func find(_ id: UploadID) async throws(StorageError) -> StoredUpload?

    /// Goes on with an upload that no transaction writes. The transaction repeats what has been received: see
    /// ``ResumableTransaction/segments(after:)``.
    func reopen(_ id: UploadID) async throws(StorageError) -> any ResumableTransaction

    /// Keeps the answer to an upload whose files have been published, instead of the upload.
    func complete(_ id: UploadID, answer: [UInt8]) async throws(StorageError)

    /// Removes every trace of an upload or its answer. Published files stay.
    func remove(_ id: UploadID) async

    /// All uploads and answers.
    func unfinished() async throws(StorageError) -> [UnfinishedEntry]
}

/// What a storage keeps of an upload.
struct StoredUpload: Sendable {
    /// As ``ResumableStorage/create(_:request:)`` got it.
    let request: [UInt8]
    /// Nil unless the upload is complete.
    let answer: [UInt8]?
}

/// An upload in the list of all.
struct UnfinishedEntry: Hashable, Sendable {
    let id: UploadID
    /// Of its files.
    let bytes: Int
    /// When something of it was last stored, in seconds since 1970, UTC.
    let modified: Int
    let isComplete: Bool
}

/// The files of an unfinished upload. One task at a time uses it; a reference is shared within that task only.
protocol ResumableTransaction: StorageTransaction, AnyObject {
    /// Whether ``content(of:at:count:)`` can be called. Otherwise the record has to keep the digests.
    var canReadContent: Bool { get }

    /// Whether an upload can go on after ``StorageTransaction/publish()`` has failed because the storage was busy or full:
    /// nothing of it has been removed.
    var survivesPublishing: Bool { get }

    /// Whether a checkpoint is worth its effort now.
    ///
    /// - Parameter count: of the bytes since the one before.
    func isCheckpointDue(after count: Int) -> Bool

    /// Appends to the file that keeps a coded body as it was sent.
    func keepCoded(_ piece: ByteBuffer) async throws(StorageError)

    /// Records which bytes have been received. Suspends only while too many bytes are unwritten.
    ///
    /// - Parameter completion: called, on any thread, when these bytes and the record are stored as durably as the storage
    ///   promises, or with the error. Calls follow one another: the next checkpoint begins after it.
    func checkpoint(
        _ segments: [BodySegment], completion: @escaping @Sendable (StorageError?) -> Void
    ) async throws(StorageError)

    /// Writes what is not written yet, and closes all descriptors, also in a cancelled task.
    ///
    /// - Throws: if not everything could be written. The upload has to be reopened then.
    func suspend() async throws(StorageError)

    /// Goes on after ``suspend()``.
    func resume() async throws(StorageError)

    // Of a reopened upload, before anything is written:

    /// Whether the server has been killed while the files got their names: they have been checked, and may not be readable.
    func isPublished() async throws(StorageError) -> Bool

    /// Reads some of the recorded segments.
    ///
    /// - Parameter position: nil for the first ones, then the `next` of the call before.
    /// - Returns: no segments if there are no more.
    func segments(after position: Int?) async throws(StorageError) -> (segments: [BodySegment], next: Int)

    /// Reads content that has been stored.
    func content(of file: Int, at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer

    /// Reads coded bytes that have been stored.
    func coded(at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer

    /// The files that have begun are adopted as they are stored, until ``endRestoring()``.
    ///
    /// - Parameter sizes: of each file that is adopted, in order. Bytes beyond are removed.
    func adopt(_ count: Int, in file: Int) throws(StorageError)

    /// What follows is written.
    ///
    /// - Parameter coded: how many coded bytes have been stored; nil for a body without a coding. With a coding, files are
    ///   written again.
    func endRestoring(coded: Int?) async throws(StorageError)
}
