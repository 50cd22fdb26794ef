import NIOCore
import NIOPosix
import Platform
import Synchronization

/// The files of an unfinished upload. Content is written into its own file from the beginning, and is never copied.
final class UnfinishedTransaction: ResumableTransaction {
    private struct State {
        var names: [FileName] = []
        /// Of the first file.
        var naming = Naming()
        var admissions: [OpenFileLimit.Admission] = []
        /// How many files are complete but may be open.
        var openCount = 0
        /// The sizes of files that are adopted; nil when they are written.
        var adopted: [Int]?
        var isInFile = false
        var isCoded = false
        /// Where the complete entries of the record end.
        var recordSize = 0
    }

    /// Enough bytes for the disk not to be slowed down.
    private static let checkpointInterval = 16 << 20

    let (canReadContent, survivesPublishing) = (true, false)
    private let storage: DirectoryStorage
    private let opened: StorageFolder.Opened
    private let files: UnfinishedFiles
    private let queue: WriteQueue
    /// Never contended, because one task at a time uses a transaction.
    private let state: Mutex<State>

    /// - Parameter isRestored: whether files and a record exist.
    init(
        _ storage: DirectoryStorage, _ opened: StorageFolder.Opened, _ files: UnfinishedFiles,
        _ admission: OpenFileLimit.Admission, isRestored: Bool
    ) {
        (self.storage, self.opened, self.files) = (storage, opened, files)
        queue = WriteQueue(threadPool: storage.threadPool, syncPool: storage.syncPool, budget: storage.budget)
        var state = State()
        state.adopted = isRestored ? [] : nil
        state.admissions = [admission]
        self.state = Mutex(state)
    }

    private var durability: Durability { storage.folder.durability }

    func beginFile(
        named filename: String, contentType: String?, _ naming: Naming
    ) async throws(StorageError) {
        let name = try storage.name(cleaning: filename)
        let isAdopted = state.withLock { $0.adopted != nil }
        if let condition = naming.condition, !isAdopted {
            guard condition(try await storage.file(name)) else { throw StorageError.conditionIsFalse }
        }
        state.withLock { state in
            if state.names.isEmpty {
                state.naming = Naming(
                    replaces: naming.replaces && name.isExact(for: filename), condition: naming.condition)
            }
            state.names.append(name)
            state.isInFile = true
            state.adopted?.append(0)
        }
        guard !isAdopted else { return }
        try await admit()
        try await queue.append("cannot create a file") { [files] () throws(SystemError) in try files.begin() }
    }

    func write(_ pieces: [ByteBuffer]) async throws(StorageError) {
        // Content of files is not in the record, unless somebody has changed it.
        guard state.withLock({ $0.adopted == nil }) else { throw StorageError.damagedUpload }
        let count = pieces.reduce(0) { $0 + $1.readableBytes }
        try await queue.append("cannot write a file", bytes: count) {
            [files, pool = storage.syncPool] () throws(SystemError) in
            try files.write(pieces) { startWriteback in pool.submit { _ in startWriteback() } }
        }
    }

    func endFile() async throws(StorageError) {
        let mustClose = state.withLock { state in
            state.isInFile = false
            guard state.adopted == nil else { return false }
            state.openCount += 1
            let mustClose = durability == .relaxed || state.openCount >= storage.openFiles.share
            if mustClose { state.openCount = 0 }
            return mustClose
        }
        guard state.withLock({ $0.adopted == nil }) else { return }
        try await queue.append("cannot write a file") { [files] in files.end() }
        if mustClose { try await closeComplete() }
    }

    private func closeComplete() async throws(StorageError) {
        try await queue.append("cannot write a file", durability == .full ? .forDisk : .briefly) {
            [files] () throws(SystemError) in try files.closeComplete()
        }
    }

    func keepCoded(_ piece: ByteBuffer) async throws(StorageError) {
        state.withLock { $0.isCoded = true }
        try await admit()
        try await queue.append("cannot write a file", bytes: piece.readableBytes) {
            [files] () throws(SystemError) in try files.keepCoded(piece)
        }
    }

    func isCheckpointDue(after count: Int) -> Bool { count >= Self.checkpointInterval }

    func checkpoint(
        _ segments: [BodySegment], completion: @escaping @Sendable (StorageError?) -> Void
    ) async throws(StorageError) {
        let isCoded = state.withLock { $0.isCoded }
        let ending = CheckpointEnding(completion)
        // When this operation begins, all bytes of the segments have been written. Others are written while the disk is
        // waited for.
        try await queue.append("cannot write a file") {
            [files, pool = storage.syncPool, durability] () throws(SystemError) in
            let checkpoint = try files.checkpoint(isCoded: isCoded)
            pool.submit { poolState in
                guard case .active = poolState else { return ending.end(.serverIsStopping) }
                do throws(SystemError) {
                    try checkpoint.run(BodyRecord.entry(segments), durability)
                    ending.end(nil)
                } catch {
                    ending.end(error.storageError("cannot store an unfinished upload"))
                }
            }
        }
    }

    func suspend() async throws(StorageError) {
        let result: Result<Void, StorageError>
        do {
            result = .success(try await queue.drain())
        } catch {
            result = .failure(error)
        }
        await close()
        try result.get()
    }

    private func close() async {
        await queue.cancel()
        _ = try? await storage.threadPool.run("cannot close a file") { [files] in files.suspend() }
        state.withLock { state in (state.admissions, state.openCount) = ([], 0) }
    }

    func resume() async throws(StorageError) {
        try await admit()
        try await storage.threadPool.run("cannot open an unfinished upload") { [files] () throws(SystemError) in
            try files.resume()
        }
    }

    private func admit() async throws(StorageError) {
        guard state.withLock({ $0.admissions.count }) < OpenFileLimit.descriptorsPerRequest else { return }
        let admission = try await storage.openFiles.admit()
        state.withLock { $0.admissions.append(admission) }
    }

    // MARK: Restoring

    func isPublished() async throws(StorageError) -> Bool {
        try await storage.threadPool.run("cannot read an unfinished upload") { [files] () throws(SystemError) in
            try files.isPublished()
        }
    }

    func segments(after position: Int?) async throws(StorageError) -> (segments: [BodySegment], next: Int) {
        let start = position ?? 0
        let result = try await storage.threadPool.run("cannot read an unfinished upload") {
            [files] () throws(SystemError) in
            try BodyRecord.read(at: start, in: try files.directory)
        }
        switch result {
        case .success(let entries):
            state.withLock { $0.recordSize = entries.next }
            return entries
        case .failure: throw StorageError.damagedUpload
        }
    }

    func content(of file: Int, at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer {
        try await read(StagingFolder.fileName(file), at: offset, count: count)
    }

    func coded(at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer {
        try await read(UnfinishedFolder.coded, at: offset, count: count)
    }

    private func read(_ name: String, at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer {
        let bytes = try await storage.threadPool.run("cannot read an unfinished upload") {
            [files] () throws(SystemError) in
            try UnfinishedFolder.read(name, in: try files.directory, at: offset, count: count) ?? []
        }
        guard bytes.count == count else { throw StorageError.damagedUpload }
        return ByteBuffer(bytes: bytes)
    }

    func adopt(_ count: Int, in file: Int) throws(StorageError) {
        let isKnown = state.withLock { state in
            guard state.isInFile, let sizes = state.adopted, file == sizes.count - 1 else { return false }
            let (size, isTooLarge) = sizes[file].addingReportingOverflow(count)
            if !isTooLarge { state.adopted?[file] = size }
            return !isTooLarge
        }
        guard isKnown else { throw StorageError.damagedUpload }
    }

    func endRestoring(coded: Int?) async throws(StorageError) {
        let (sizes, isInFile, record) = state.withLock { state in
            defer { state.adopted = nil }
            state.isCoded = coded != nil
            // A coded body is decoded again, into files that are written again.
            return (coded == nil ? state.adopted ?? [] : [], state.isInFile && coded == nil, state.recordSize)
        }
        try await admit()
        do {
            try await storage.threadPool.run("cannot go on with an unfinished upload") {
                [files] () throws(SystemError) in
                try files.adopt(sizes, isInFile: isInFile, record: record, coded: coded)
            }
        } catch {
            throw error.code == .failed ? .damagedUpload : error
        }
    }

    // MARK: Ending

    func publish() async throws(StorageError) -> [PublishedFile?] {
        let (names, naming) = state.withLock { ($0.names, $0.naming) }
        guard !names.isEmpty else { return [] }
        try await closeComplete()
        if state.withLock({ $0.isCoded }), durability == .full {
            // Checkpoints sync the coded bytes only.
            try await queue.append("cannot write a file", .forDisk) { [files] () throws(SystemError) in
                try files.syncAll()
            }
        }
        try await queue.drain()
        if let earlier = try await recordPublication(names) { return earlier }
        let unpublished = try await storage.threadPool.run("cannot store a file") {
            [folder = storage.folder, opened, unfinished = files.folder] () throws(SystemError) in
            // The lock of the upload's own descriptor stays.
            guard let directory = try unfinished.open() else { throw SystemError(code: ENOENT) }
            let staging = StagingFolder(directory, named: unfinished.name, in: opened.directory)
            return try UnpublishedFiles(in: folder, opened, adopting: staging, count: names.count)
        }
        let transaction = DirectoryStorage.Transaction(storage, queue, unpublished, names, naming)
        do {
            return try await transaction.publishAdopted()
        } catch {
            // Names are taken back: the next process must not give the others.
            _ = try? await storage.threadPool.run("cannot remove a file") { [files] () throws(SystemError) in
                try files.directory.removeFile(UnfinishedFolder.publication)
            }
            var failed = transaction
            await failed.abandon()
            throw error
        }
    }

    /// - Returns: what the files are published as, if a process that was killed had begun to.
    private func recordPublication(_ names: [FileName]) async throws(StorageError) -> [PublishedFile?]? {
        try await storage.syncPool.run("cannot store a file") {
            [files, opened, numbers = storage.folder.numbers, durability] () throws(SystemError) in
            let directory = try files.directory
            if let bytes = try UnfinishedFolder.read(UnfinishedFolder.publication, in: directory),
                let earlier = Publication(bytes: bytes), earlier.files.count == names.count,
                let published = try earlier.complete(from: directory, in: opened.directory, numbers, durability)
            {
                return published
            }
            // Of a process that was killed before it gave the first name.
            StagingFolder.removeRecord(from: directory)
            let publication = try Publication(names, in: directory)
            try UnfinishedFolder.write(publication.bytes, to: UnfinishedFolder.publication, in: directory, durability)
            return nil
        }
    }

    func abandon() async {
        await close()
        await storage.remove(files.folder.id)
    }
}

/// Calls a completion handler exactly once, also if the operation that would have called it is discarded.
private final class CheckpointEnding: Sendable {
    private let completion: Mutex<(@Sendable (StorageError?) -> Void)?>

    init(_ completion: @escaping @Sendable (StorageError?) -> Void) { self.completion = Mutex(completion) }

    deinit { end(StorageError(.failed, "an earlier write has failed")) }

    func end(_ error: StorageError?) { completion.withLock { $0.take() }?(error) }
}
