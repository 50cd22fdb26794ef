import NIOCore
import NIOPosix
import Platform

extension DirectoryStorage {
    /// The files of one request.
    struct Transaction: StorageTransaction {
        /// How many names one job gives or removes. Other requests get their turn between two jobs.
        private static let namesPerJob = 64

        private let storage: DirectoryStorage
        private let queue: WriteQueue
        private let files: UnpublishedFiles
        private var admissions: [OpenFileLimit.Admission] = []
        private var names: [FileName] = []
        /// Of the first file.
        private var naming = Naming()
        /// Of `names`: how many files are complete but may be open.
        private var openCount = 0

        init(_ storage: DirectoryStorage) {
            self.storage = storage
            queue = WriteQueue(threadPool: storage.threadPool, syncPool: storage.syncPool, budget: storage.budget)
            files = UnpublishedFiles(in: storage.folder)
        }

        /// To publish complete files.
        init(
            _ storage: DirectoryStorage, _ queue: WriteQueue, _ files: UnpublishedFiles, _ names: [FileName],
            _ naming: Naming
        ) {
            (self.storage, self.queue, self.files) = (storage, queue, files)
            (self.names, self.naming) = (names, naming)
        }

        mutating func beginFile(
            named filename: String, contentType: String?, _ naming: Naming
        ) async throws(StorageError) {
            let name = try storage.name(cleaning: filename)
            if let condition = naming.condition {
                guard condition(try await storage.file(name)) else { throw StorageError.conditionIsFalse }
            }
            if names.isEmpty {
                self.naming = Naming(
                    replaces: naming.replaces && name.isExact(for: filename), condition: naming.condition)
            }
            if admissions.count < OpenFileLimit.descriptorsPerRequest {
                admissions.append(try await storage.openFiles.admit())
            }
            names.append(name)
            try await queue.append("cannot create a file") { [files] () throws(SystemError) in try files.begin() }
        }

        mutating func write(_ pieces: [ByteBuffer]) async throws(StorageError) {
            let count = pieces.reduce(0) { $0 + $1.readableBytes }
            try await queue.append("cannot write a file", bytes: count) {
                [files, pool = storage.syncPool] () throws(SystemError) in
                try files.write(pieces) { startWriteback in pool.submit { _ in startWriteback() } }
            }
        }

        mutating func endFile() async throws(StorageError) {
            openCount += 1
            let mustClose = names.count > 1 && (durability == .relaxed || openCount >= storage.openFiles.share)
            if mustClose { openCount = 0 }
            try await queue.append("cannot write a file") { [files] in files.end() }
            guard mustClose else { return }
            try await queue.append("cannot write a file", waitingForSync) { [files] () throws(SystemError) in
                try files.closeComplete()
            }
        }

        mutating func publish() async throws(StorageError) -> [PublishedFile?] {
            guard !names.isEmpty else { return [] }
            let published = try await publishAdopted()
            end()
            return published
        }

        /// Makes the files visible. Nothing is open afterwards.
        func publishAdopted() async throws(StorageError) -> [PublishedFile] {
            if names.count == 1 { try await publishOne() } else { try await publishAll() }
            try await syncFolders()
            try await files.syncNames()
            return try await storage.threadPool.run("cannot remove a folder") { [files] in files.finish() }
        }

        mutating func abandon() async {
            guard !names.isEmpty else { return }
            await queue.cancel()
            // Not in the calling thread: freeing the blocks of a large file takes time. If the pool has been shut down,
            // the last reference closes the files.
            var isDone = false
            while !isDone {
                isDone =
                    (try? await storage.threadPool.run("cannot remove a file") { [files] in
                        files.discard(limit: Self.namesPerJob)
                    }) ?? true
            }
            end()
        }

        private mutating func end() {
            names = []
            admissions = []
        }

        /// Suspends until the names below the storage's directory are on the disk.
        private func syncFolders() async throws(StorageError) {
            while files.hasUnsyncedFolders {
                try await storage.syncPool.run("cannot write a folder to the disk") {
                    [files] () throws(SystemError) in
                    try files.syncFolders(limit: Self.namesPerJob)
                }
            }
        }

        private var durability: Durability { storage.folder.durability }

        private var waitingForSync: WriteQueue.Waiting { durability == .full ? .forDisk : .briefly }

        private func publishOne() async throws(StorageError) {
            try await queue.append("cannot store a file", waitingForSync) {
                [files, names, naming] () throws(SystemError) in
                try files.publishOne(as: names[0], naming)
            }
            try await queue.drain()
            guard !files.isRefused else { throw StorageError.conditionIsFalse }
        }

        /// Until the names are recorded the request can be cancelled. After that they are all given, by the next process
        /// if this one is killed.
        private func publishAll() async throws(StorageError) {
            try await queue.append("cannot store a file", waitingForSync) { [files, names] () throws(SystemError) in
                try files.record(names)
            }
            try await queue.drain()
            // Otherwise a power cut could leave names, and no folder with the record of the others.
            try await files.syncNames()
            var isDone = false
            while !isDone {
                isDone = try await storage.threadPool.run("cannot name a file") {
                    [files, names] () throws(SystemError) in
                    try files.publish(names, limit: Self.namesPerJob)
                }
            }
        }
    }
}
