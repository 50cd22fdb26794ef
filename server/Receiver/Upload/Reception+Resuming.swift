import Multipart
import NIOCore

extension Reception {
    /// How much stored content is read at once.
    private static let pieceSize = 256 * 1024

    /// How many bytes the next checkpoint keeps in memory until it is written.
    var unrecordedBytes: Int { recorder?.literalBytes ?? 0 }

    /// Begins an upload that can be interrupted.
    mutating func beginResumably() async throws {
        recorder = BodyRecorder()
        try await begin()
    }

    mutating func keepCoded(_ chunk: ByteBuffer) async throws(StorageError) {
        try await resumable?.keepCoded(chunk)
        recorder?.addCoded(chunk.readableBytes)
    }

    /// Records what has been received.
    ///
    /// - Parameters:
    ///   - length: of the whole body, when it becomes known.
    ///   - completion: see ``ResumableTransaction/checkpoint(_:completion:)``.
    mutating func checkpoint(
        length: Int? = nil, completion: @escaping @Sendable (StorageError?) -> Void
    ) async throws(StorageError) {
        guard let resumable, var segments = recorder?.takeSegments() else {
            preconditionFailure("this upload cannot be interrupted")
        }
        if let length { segments.append(.length(length)) }
        // A coded body is decoded again.
        if hasDigests, decoder == nil, !resumable.canReadContent {
            segments.append(.digests(try await digests.stored()))
        }
        try await resumable.checkpoint(segments, completion: completion)
    }

    /// Goes on with an upload from what the storage has of it: literal bytes are parsed again, and contents counted. They
    /// are read only if there are digests to compute.
    ///
    /// - Returns: the length of the whole body, if it is recorded.
    /// - Throws: if the record cannot be the one of this upload, besides errors of the storage.
    mutating func restore() async throws -> Int? {
        let length: Int?
        areDigestsChecked = try await resumable?.isPublished() ?? false
        do {
            length = upload.coding == nil ? try await restorePlain() : try await restoreCoded()
        } catch is MultipartError {
            throw StorageError.damagedUpload
        }
        return length
    }

    private mutating func restorePlain() async throws -> Int? {
        guard let resumable else { return nil }
        try await begin()
        var (undecided, length, stored): ([UInt8], Int?, [UInt8]?) = ([], nil, nil)
        var position: Int?
        while case let (segments, next) = try await resumable.segments(after: position), !segments.isEmpty {
            position = next
            for segment in segments {
                if segment.byteCount > 0 { undecided = [] }
                switch segment {
                case .literal(let bytes): try await restore(literal: bytes)
                case .content(let file, let count): try await restore(content: count, of: file)
                case .coded: throw StorageError.damagedUpload
                case .undecided(let bytes): undecided = bytes
                case .length(let known): length = known
                case .digests(let bytes): stored = bytes
                }
            }
        }
        try await restore(literal: undecided)
        // Of contents too, which have not been read.
        if let stored, !areDigestsChecked, try await !digests.restore(stored) { throw StorageError.damagedUpload }
        try await resumable.endRestoring(coded: nil)
        recorder = BodyRecorder()
        if machine.currentFile != nil { recorder?.restore(undecided: undecided) }
        return length
    }

    private mutating func restore(literal bytes: [UInt8]) async throws {
        guard !bytes.isEmpty else { return }
        let piece = ByteBuffer(bytes: bytes)
        bytesRead += bytes.count
        if !upload.digests.ofBody.isEmpty { try await digests.appendToBody(piece) }
        try await consume(decoded: piece)
    }

    private mutating func restore(content count: Int, of file: Int) async throws {
        guard let resumable, count > 0, parser?.canSkipContent ?? true,
            let action = machine.contentRestored(count: count)
        else { throw StorageError.damagedUpload }
        if case .beginFileAndWrite(let name) = action { try await beginFile(named: name) }
        let offset = (machine.parts.last?.size ?? 0) - count
        try resumable.adopt(count, in: file)
        parser?.skipContent()
        bytesRead += count
        guard !areDigestsChecked, resumable.canReadContent, isPartDigested || !upload.digests.ofBody.isEmpty else {
            return
        }
        for start in stride(from: 0, to: count, by: Self.pieceSize) {
            let piece = try await resumable.content(
                of: file, at: offset + start, count: min(Self.pieceSize, count - start))
            if !upload.digests.ofBody.isEmpty { try await digests.appendToBody(piece) }
            if isPartDigested { try await digests.appendToPart(piece) }
        }
    }

    /// The state of a decoder cannot be stored: the body is decoded again from its start.
    private mutating func restoreCoded() async throws -> Int? {
        guard let resumable else { return nil }
        var (coded, length): (Int, Int?) = (0, nil)
        var position: Int?
        while case let (segments, next) = try await resumable.segments(after: position), !segments.isEmpty {
            position = next
            for segment in segments {
                switch segment {
                case .coded(let count):
                    let (sum, isTooLarge) = coded.addingReportingOverflow(count)
                    guard !isTooLarge else { throw StorageError.damagedUpload }
                    coded = sum
                case .length(let known): length = known
                case .literal, .content, .undecided, .digests: throw StorageError.damagedUpload
                }
            }
        }
        try await resumable.endRestoring(coded: coded)
        try await begin()
        for start in stride(from: 0, to: coded, by: Self.pieceSize) {
            try await consume(try await resumable.coded(at: start, count: min(Self.pieceSize, coded - start)))
        }
        recorder = BodyRecorder()
        return length
    }
}
