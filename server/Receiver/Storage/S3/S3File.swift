import HTTPStreaming
import NIOCore
import Platform
import Synchronization

/// A file on its way to the store: a multipart upload of parts of 8 MiB and more, some of them under way at the same time.
/// A file that is shorter than a part, and is the only one of its request, waits to be sent by one `PUT`.
///
/// One task at a time uses it.
final class S3File: Sendable {
    /// What becomes of it.
    enum Purpose: Sendable {
        /// An object.
        case file(S3Client.ObjectFields)
        /// Each part is an object, with its number behind the key: bytes that are read again, and then removed.
        case pieces
    }

    private struct State {
        var key: String
        var upload: String?
        var parts: [Part] = []
        /// Parts that the store has from an earlier time, which are received again.
        var known: [S3Part] = []
        var failure: StorageError?
        /// The part that is being received, and how many bytes of it.
        var current: PartSpool?
        var count = 0
        /// What the store has of the part that is being received; it is in `current`, unless that is nil.
        var tail: S3Tail?
        /// Of `current`; ends when the store has the part.
        var admission: OpenFileLimit.Admission?
        var number = 1
    }

    let purpose: Purpose
    private let client: S3Client
    private let queue: PartQueue
    private let state: Mutex<State>

    init(_ key: String, _ purpose: Purpose, _ client: S3Client, _ queue: PartQueue) {
        (self.purpose, self.client, self.queue) = (purpose, client, queue)
        state = Mutex(State(key: key))
    }

    /// Goes on with an interrupted file.
    ///
    /// - Parameter isRepeated: whether its bytes are received again from the beginning. Parts that the store has are not sent
    ///   again.
    convenience init(
        _ key: String, _ purpose: Purpose, upload: String?, _ parts: [S3Part], _ tail: S3Tail?, isRepeated: Bool,
        _ client: S3Client, _ queue: PartQueue
    ) {
        self.init(key, purpose, client, queue)
        state.withLock { state in
            state.upload = upload
            if isRepeated {
                state.known = parts
            } else {
                state.parts = parts.map(Part.stored)
                (state.number, state.tail, state.count) = (parts.count + 1, tail, tail?.size ?? 0)
            }
        }
    }

    var key: String { state.withLock { $0.key } }

    var upload: String? { state.withLock { $0.upload } }

    /// How many bytes of the current part have been received, and how many it is going to have.
    var partProgress: (count: Int, size: Int) { state.withLock { ($0.count, Self.size(ofPart: $0.number)) } }

    /// Of a file that waits.
    func rename(to key: String) { state.withLock { $0.key = key } }

    /// Suspends while too many bytes have not reached the store.
    func write(_ pieces: [ByteBuffer]) async throws(StorageError) {
        var (spool, room) = try await currentPart()
        var slices: [ByteBuffer] = []
        for var piece in pieces {
            while piece.readableBytes > 0 {
                if room == 0 {
                    try await append(slices, to: spool)
                    slices = []
                    try await send()
                    (spool, room) = try await currentPart()
                }
                guard let slice = piece.readSlice(length: min(room, piece.readableBytes)) else { break }
                room -= slice.readableBytes
                slices.append(slice)
            }
        }
        try await append(slices, to: spool)
    }

    /// Sends what has been received, as the last part.
    func sendLast() async throws(StorageError) {
        // A multipart upload has at least one part, which may be empty. An interrupted file may have its last part already.
        guard state.withLock({ $0.count > 0 || $0.number == 1 }) else { return }
        _ = try await currentPart()
        try await send()
    }

    /// Whether no part has been sent, or is about to be: ``put(_:_:)`` can send the file.
    var isWaiting: Bool { upload == nil }

    /// The content of a file that waits.
    func waitingContent() async throws(StorageError) -> PartContent {
        let (spool, _) = try await currentPart()
        try await queue.writes.drain()
        return try await queue.spools.threadPool.run("cannot read a temporary file") { () throws(SystemError) in
            try spool.content()
        }
    }

    /// Sends the whole file, which is visible then.
    ///
    /// - Returns: its tag.
    func put(_ content: PartContent, _ condition: S3WriteCondition) async throws(S3Error) -> String {
        guard case .file(let fields) = purpose else { preconditionFailure("pieces have no name") }
        do throws(S3Error) {
            return try await client.put(key, content, fields, condition)
        } catch {
            return try await confirm(fields, error)
        }
    }

    /// The parts that are complete.
    func parts() async throws(StorageError) -> [Part] {
        try await queue.writes.drain()
        return state.withLock { $0.parts }
    }

    /// What has been received of a part that is not complete.
    func rest() async throws(StorageError) -> Rest {
        try await queue.writes.drain()
        let (current, count, tail, number) = state.withLock { ($0.current, $0.count, $0.tail, $0.number) }
        if let tail, tail.size == count { return .stored(tail) }
        guard let current, count > 0 else { return .none }
        let content = try await queue.spools.threadPool.run("cannot read a temporary file") { () throws(SystemError) in
            try current.content()
        }
        return .unstored(content, number: number)
    }

    /// The store has what ``rest()`` has returned.
    func restIsStored(in tail: S3Tail, number: Int) {
        state.withLock { if $0.number == number { $0.tail = tail } }
    }

    /// Makes the file visible.
    ///
    /// - Returns: its tag.
    func complete(_ parts: [S3Part], _ condition: S3WriteCondition) async throws(S3Error) -> String {
        guard let upload, case .file(let fields) = purpose else { preconditionFailure("no part has been sent") }
        do throws(S3Error) {
            let tag = try await client.completeUpload(upload, key, parts, condition)
            return tag.isEmpty ? try await confirm(fields, .withoutTag) : tag
        } catch {
            return try await confirm(fields, error)
        }
    }

    /// A request whose answer was lost is sent again. That fails if the first one has succeeded: the name is taken, by this
    /// file, or the upload is gone. And a store that answers with an error may have done what it was asked for.
    private func confirm(_ fields: S3Client.ObjectFields, _ error: S3Error) async throws(S3Error) -> String {
        guard error.status != nil, let found = try? await stored(fields) else { throw error }
        return found.tag
    }

    /// This file, if the store has it; nil if another one, or none, has its key.
    private func stored(_ fields: S3Client.ObjectFields) async throws(S3Error) -> S3Client.ObjectHead? {
        guard let found = try await client.head(key), found.identifier == fields.identifier else { return nil }
        return found
    }

    /// Removes the file after it has become visible, unless another one has taken its place.
    func withdraw() async throws(S3Error) {
        guard case .file(let fields) = purpose, try await stored(fields) != nil else { return }
        try await client.delete(key)
    }

    /// Removes what the store has of it, unless it is visible. Also in a cancelled task.
    func abandon() async {
        await queue.writes.cancel()
        let (parts, upload) = state.withLock { state in
            (state.current, state.admission) = (nil, nil)
            return (state.parts, state.upload)
        }
        let tasks = parts.compactMap { if case .underWay(let task) = $0 { task } else { nil } }
        for task in tasks { task.cancel() }
        // A part that arrives after the end of the upload could stay in the store.
        for task in tasks { _ = await task.result }
        guard let upload else { return }
        // Not in this task, whose requests end at once if it is cancelled. If it fails, the sweep removes the upload.
        await Task { [client, key] in try? await client.abortUpload(upload, key) }.value
    }

    private func currentPart() async throws(StorageError) -> (spool: PartSpool, room: Int) {
        if let failure = state.withLock({ $0.failure }) { throw failure }
        let (current, room, tail) = state.withLock {
            ($0.current, Self.size(ofPart: $0.number) - $0.count, $0.tail)
        }
        if let current { return (current, room) }
        let admission = try await queue.slots.admit()
        if let failure = state.withLock({ $0.failure }) { throw failure }
        let spool = try await queue.spools.threadPool.run("cannot create a temporary file") {
            [folder = queue.spools.folder] () throws(SystemError) in try PartSpool(in: folder)
        }
        if let tail { try await load(tail, into: spool) }
        state.withLock { state in (state.current, state.admission) = (spool, admission) }
        return (spool, room)
    }

    private func load(_ tail: S3Tail, into spool: PartSpool) async throws(StorageError) {
        let reader = S3FileReader(tail, client)
        for start in stride(from: 0, to: tail.size, by: PartSpool.shortContent) {
            let piece = try await reader.read(at: start, count: min(PartSpool.shortContent, tail.size - start))
            try await queue.writes.append("cannot write a temporary file", bytes: piece.readableBytes) {
                () throws(SystemError) in try spool.append([piece])
            }
        }
    }

    private func append(_ slices: [ByteBuffer], to spool: PartSpool) async throws(StorageError) {
        let count = slices.reduce(0) { $0 + $1.readableBytes }
        guard count > 0 else { return }
        state.withLock { $0.count += count }
        try await queue.writes.append("cannot write a temporary file", bytes: count) { () throws(SystemError) in
            try spool.append(slices)
        }
    }

    /// Sends the current part when all of it has been written.
    private func send() async throws(StorageError) {
        let upload = try await beginUpload()
        let (spool, admission, number, known) = state.withLock { state in
            defer {
                (state.current, state.admission, state.count, state.tail) = (nil, nil, 0, nil)
                state.number += 1
            }
            return (state.current, state.admission, state.number, state.known.first { $0.number == state.number })
        }
        guard let spool else { return }
        try await queue.writes.append("cannot write a temporary file") { [self] () throws(SystemError) in
            let content = try spool.content()
            // Locked, so that the task finds its place.
            state.withLock { state in
                let task = Task {
                    defer { withExtendedLifetime(admission) {} }
                    let isKnown = known?.checksum == content.checksum
                    return try await stored(isKnown ? known : nil, content, number, of: upload)
                }
                state.parts.append(.underWay(task))
            }
        }
    }

    /// Sends a part, unless it is known. A task that has ended would keep its memory for as long as it is in `parts`.
    private func stored(
        _ known: S3Part?, _ content: PartContent, _ number: Int, of upload: String
    ) async throws(S3Error) -> S3Part {
        do throws(S3Error) {
            let part = if let known { known } else { try await send(content, number, of: upload) }
            state.withLock { $0.parts[number - 1] = .stored(part) }
            return part
        } catch {
            state.withLock { $0.failure = $0.failure ?? error.storageError }
            throw error
        }
    }

    private func send(_ content: PartContent, _ number: Int, of upload: String) async throws(S3Error) -> S3Part {
        switch purpose {
        case .file: return try await client.uploadPart(number, content, of: upload, key)
        case .pieces:
            let tag = try await client.put("\(key)\(number)", content, nil, .always)
            return S3Part(number: number, tag: tag, checksum: content.checksum, size: content.size)
        }
    }

    /// The identifier of the multipart upload, which begins if it has not yet.
    private func beginUpload() async throws(StorageError) -> String {
        if let upload { return upload }
        guard case .file(let fields) = purpose else { return "" }
        do throws(S3Error) {
            let upload = try await client.createUpload(key, fields)
            state.withLock { $0.upload = upload }
            return upload
        } catch {
            throw error.storageError
        }
    }
}
