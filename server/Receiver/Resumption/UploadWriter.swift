import HTTPTypes
import NIOCore

/// One request that writes an upload: it stores the body, and records from time to time what has been stored.
struct UploadWriter: ~Copyable {
    var live: UnfinishedUpload.Live
    let checkpoints: Checkpoints
    private let interim: InterimResponses
    /// Notes how many bytes are stored.
    private let note: @Sendable (Int) throws(StorageError) -> Void
    /// Of the request's body.
    private let checksum: UploadChecksum?
    private var digest: UploadChecksum.Running?

    init(
        _ live: consuming UnfinishedUpload.Live, _ interim: InterimResponses, checksum: UploadChecksum?,
        note: @escaping @Sendable (Int) throws(StorageError) -> Void
    ) {
        checkpoints = Checkpoints(from: live.progress.offset)
        self.live = live
        (self.interim, self.note, self.checksum) = (interim, note, checksum)
        digest = checksum.map { UploadChecksum.Running($0.algorithm) }
    }

    /// Whether what has been received may be recorded: a body with a checksum only as a whole.
    var mayRecord: Bool { checksum == nil }

    /// Reads the body of the request to its end.
    ///
    /// - Throws: if it is cut off, cannot be stored, or does not belong to the upload.
    mutating func receive(_ body: some AsyncSequence<ByteBuffer, any Error>, contentLength: Int?) async throws {
        let start = live.progress.offset
        for try await chunk in body {
            try live.progress.received(chunk.readableBytes)
            digest?.update(chunk)
            try await live.reception.consume(chunk)
            let isDue = checkpoints.isDue(
                at: live.progress.offset, unrecordedBytes: live.reception.unrecordedBytes,
                live.reception.resumable)
            if isDue, mayRecord { try await checkpoint() }
        }
        // The sequence of a cancelled task ends without an error.
        try Task.checkCancellation()
        if let contentLength, live.progress.offset - start < contentLength { throw RequestBodyError.incomplete }
        if let checksum, digest?.matches(checksum) == false { throw ChecksumMismatch() }
    }

    private mutating func checkpoint() async throws {
        try await checkpoints.wait()
        let offset = live.progress.offset
        try note(offset)
        checkpoints.begin(at: offset)
        try await live.reception.checkpoint { [checkpoints, interim] error in
            // First: the request may be answered when the checkpoint has ended.
            if error == nil { interim.stored(offset) }
            checkpoints.end(error)
        }
    }
}
