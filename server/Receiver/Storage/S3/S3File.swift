import HTTPStreaming
import NIOCore
import NIOPosix
import Platform
import Synchronization

/// A file on its way to the store: a multipart upload of parts of 8 MiB and more, some of them under way at the same time.
/// A file that is shorter than a part, and is the only one of its request, waits to be sent by one `PUT`.
///
/// One task at a time uses it.
final class S3File: Sendable {
    /// How many parts are under way, or wait for it, besides the one that is being received.
    private static let partsUnderWay = 3
    private static let firstPartSize = 8 << 20
    /// Parts double after so many, so that 10,000 of them have 7.8 TiB; the largest one has 4 GiB.
    private static let partsOfOneSize = 1000

    private struct State {
        var upload: String?
        var tasks: [Task<S3Part, any Error>] = []
        var failure: StorageError?
        /// The part that is being received, and how many bytes of it.
        var current: PartSpool?
        var count = 0
        /// Of `current`; ends when the store has the part.
        var admission: OpenFileLimit.Admission?
        var number = 1
    }

    let key: String
    private let fields: S3Client.ObjectFields
    private let client: S3Client
    private let spools: SpoolSettings
    private let queue: WriteQueue
    private let slots = OpenFileLimit(of: "parts", descriptors: S3File.partsUnderWay + 1, timeout: .seconds(3600))
    private let state = Mutex(State())

    init(_ key: String, contentType: String?, _ client: S3Client, _ spools: SpoolSettings) {
        (self.key, self.client, self.spools) = (key, client, spools)
        let isValid = contentType.map { $0.utf8.count < 256 && $0.utf8.allSatisfy { (0x20...0x7E).contains($0) } }
        fields = S3Client.ObjectFields(contentType: isValid == true ? contentType : nil)
        queue = WriteQueue(threadPool: spools.threadPool, syncPool: spools.threadPool, budget: spools.budget)
    }

    static func size(ofPart number: Int) -> Int { firstPartSize << ((number - 1) / partsOfOneSize) }

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
        // A multipart upload has at least one part, which may be empty.
        _ = try await currentPart()
        try await send()
    }

    /// Whether no part has been sent, or is about to be: ``put(as:_:)`` can send the file.
    var isWaiting: Bool { state.withLock { $0.upload == nil } }

    /// Sends the whole file, which is visible then.
    ///
    /// - Returns: its tag.
    func put(as key: String, _ condition: S3WriteCondition) async throws(S3Error) -> String {
        do throws(S3Error) {
            return try await client.put(key, waiting, fields, condition)
        } catch {
            return try await confirm(key, error)
        }
    }

    /// Makes what has been received the content of ``put(as:_:)``.
    func finishWaiting() async throws(StorageError) {
        let (spool, _) = try await currentPart()
        try await queue.append("cannot write a temporary file") { spool.finish() }
        try await queue.drain()
    }

    private var waiting: PartSpool {
        guard let spool = state.withLock({ $0.current }) else { preconditionFailure("the file has been sent") }
        return spool
    }

    /// Suspends until the store has all parts.
    func finishParts() async throws(StorageError) -> [S3Part] {
        try await queue.drain()
        var parts: [S3Part] = []
        for task in state.withLock({ $0.tasks }) {
            do {
                parts.append(try await task.value)
            } catch {
                throw (error as? S3Error)?.storageError ?? .serverIsStopping
            }
        }
        return parts
    }

    /// Makes the file visible.
    ///
    /// - Returns: its tag.
    func complete(_ parts: [S3Part], _ condition: S3WriteCondition) async throws(S3Error) -> String {
        guard let upload = state.withLock({ $0.upload }) else { preconditionFailure("no part has been sent") }
        do throws(S3Error) {
            return try await client.completeUpload(upload, key, parts, condition)
        } catch {
            return try await confirm(key, error)
        }
    }

    /// A request whose answer was lost is sent again. That fails if the first one has succeeded: the name is taken, by this
    /// file, or the upload is gone.
    private func confirm(_ key: String, _ error: S3Error) async throws(S3Error) -> String {
        guard error.isConflict || error.status == 404, let found = try await client.head(key),
            found.identifier == fields.identifier
        else { throw error }
        return found.tag
    }

    /// Removes what the store has of it, unless it is visible. Also in a cancelled task.
    func abandon() async {
        await queue.cancel()
        let (tasks, upload) = state.withLock { state in
            (state.current, state.admission) = (nil, nil)
            return (state.tasks, state.upload)
        }
        for task in tasks { task.cancel() }
        // A part that arrives after the end of the upload could stay in the store.
        for task in tasks { _ = await task.result }
        guard let upload else { return }
        // Not in this task, whose requests end at once if it is cancelled. If it fails, the sweep removes the upload.
        await Task { [client, key] in try? await client.abortUpload(upload, key) }.value
    }

    private func currentPart() async throws(StorageError) -> (spool: PartSpool, room: Int) {
        if let failure = state.withLock({ $0.failure }) { throw failure }
        let (current, room) = state.withLock { ($0.current, Self.size(ofPart: $0.number) - $0.count) }
        if let current { return (current, room) }
        let admission = try await slots.admit()
        if let failure = state.withLock({ $0.failure }) { throw failure }
        let spool = try await spools.threadPool.run("cannot create a temporary file") {
            [folder = spools.folder] () throws(SystemError) in try PartSpool(in: folder)
        }
        state.withLock { state in
            (state.current, state.admission, state.count) = (spool, admission, 0)
        }
        return (spool, room)
    }

    private func append(_ slices: [ByteBuffer], to spool: PartSpool) async throws(StorageError) {
        let count = slices.reduce(0) { $0 + $1.readableBytes }
        guard count > 0 else { return }
        state.withLock { $0.count += count }
        try await queue.append("cannot write a temporary file", bytes: count) { () throws(SystemError) in
            try spool.append(slices)
        }
    }

    /// Sends the current part when all of it has been written.
    private func send() async throws(StorageError) {
        let upload = try await upload()
        let (spool, admission, number) = state.withLock { state in
            defer {
                (state.current, state.admission, state.count) = (nil, nil, 0)
                state.number += 1
            }
            return (state.current, state.admission, state.number)
        }
        guard let spool else { return }
        try await queue.append("cannot write a temporary file") { [self] in
            spool.finish()
            let task = Task { () async throws -> S3Part in
                defer { withExtendedLifetime(admission) {} }
                do throws(S3Error) {
                    return try await client.uploadPart(number, spool, of: upload, key)
                } catch {
                    state.withLock { $0.failure = $0.failure ?? error.storageError }
                    throw error
                }
            }
            state.withLock { $0.tasks.append(task) }
        }
    }

    /// The identifier of the multipart upload, which begins if it has not yet.
    private func upload() async throws(StorageError) -> String {
        if let upload = state.withLock({ $0.upload }) { return upload }
        do throws(S3Error) {
            let upload = try await client.createUpload(key, fields)
            state.withLock { $0.upload = upload }
            return upload
        } catch {
            throw error.storageError
        }
    }
}

/// Where parts are kept until the store has them.
struct SpoolSettings: Sendable {
    let folder: String
    let threadPool: NIOThreadPool
    let budget: BufferBudget
}
