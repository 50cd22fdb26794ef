import NIOPosix
import Platform

extension DirectoryStorage: ResumableStorage {
    private static let filesPerJob = 64
    /// In seconds.
    private static let leftoverAge = 3600

    func create(_ id: UploadID, request: [UInt8]) async throws(StorageError) -> any ResumableTransaction {
        let admission = try await openFiles.admit()
        let (opened, files) = try await syncPool.run("cannot begin an upload") { [folder] () throws(SystemError) in
            let opened = try folder.current()
            let unfinished = UnfinishedFolder(id: id, parent: opened.directory)
            let directory = try unfinished.create(request: request, folder.durability)
            return (opened, UnfinishedFiles(unfinished, directory, folder.durability))
        }
        if folder.durability == .full { try await opened.sync.sync() }
        return UnfinishedTransaction(self, opened, files, admission, isRestored: false)
    }

    func find(_ id: UploadID) async throws(StorageError) -> StoredUpload? {
        try await threadPool.run("cannot read an unfinished upload") { [folder] () throws(SystemError) in
            guard let directory = try UnfinishedFolder(id: id, parent: folder.current().directory).open(),
                let request = try UnfinishedFolder.read(UnfinishedFolder.request, in: directory)
            else { return nil }
            return StoredUpload(
                request: request, answer: try UnfinishedFolder.read(UnfinishedFolder.answer, in: directory))
        }
    }

    func reopen(_ id: UploadID) async throws(StorageError) -> any ResumableTransaction {
        let admission = try await openFiles.admit()
        let (opened, files) = try await threadPool.run("cannot open an unfinished upload") {
            [folder] () throws(SystemError) in
            let opened = try folder.current()
            let unfinished = UnfinishedFolder(id: id, parent: opened.directory)
            return (opened, UnfinishedFiles(unfinished, try unfinished.claim(), folder.durability))
        }
        return UnfinishedTransaction(self, opened, files, admission, isRestored: true)
    }

    func complete(_ id: UploadID, answer: [UInt8]) async throws(StorageError) {
        let directory = try await syncPool.run("cannot store an answer") { [folder] () throws(SystemError) in
            let parent = try folder.current().directory
            if let directory = try UnfinishedFolder(id: id, parent: parent).open() {
                try UnfinishedFolder.write(answer, to: UnfinishedFolder.answer, in: directory, folder.durability)
            }
            return parent
        }
        await remove(id, from: directory, except: UnfinishedFolder.completed)
    }

    func remove(_ id: UploadID) async {
        let directory = try? await threadPool.run("cannot remove an unfinished upload") {
            [folder] () throws(SystemError) in
            let directory = try folder.current().directory
            // Names that were being given when a process was killed: none of the files gets lost.
            try UnfinishedFolder(id: id, parent: directory).completePublication(folder.numbers, folder.durability)
            return directory
        }
        if let directory { await remove(id, from: directory) }
    }

    private func remove(_ id: UploadID, from directory: Directory, except kept: Set<String> = []) async {
        var isDone = false
        while !isDone {
            isDone =
                (try? await threadPool.run("cannot remove an unfinished upload") { () throws(SystemError) in
                    try UnfinishedFolder(id: id, parent: directory).remove(except: kept, limit: Self.filesPerJob)
                }) ?? true
        }
    }

    public func removeLeftovers() async throws(StorageError) {
        try await syncPool.run("cannot remove leftovers") { [folder] () throws(SystemError) in
            try Leftovers.remove(
                from: folder.current().directory, unchangedFor: Self.leftoverAge, naming: folder.numbers,
                durability: folder.durability)
        }
    }

    func unfinished() async throws(StorageError) -> [UnfinishedEntry] {
        let all = try await threadPool.run("cannot list the unfinished uploads") { [folder] () throws(SystemError) in
            try UnfinishedFolder.all(in: folder.current().directory)
        }
        var entries: [UnfinishedEntry] = []
        for upload in all {
            let entry = try await threadPool.run("cannot list the unfinished uploads") { () throws(SystemError) in
                try upload.entry()
            }
            if let entry { entries.append(entry) }
        }
        return entries
    }
}

extension DirectoryStorage {
    /// The name of a file.
    func name(cleaning filename: String) throws(StorageError) -> FileName {
        let name = FileName(cleaning: filename, keepsFolders: keepsPaths)
        guard name.folders.count <= FileName.maximumFolders else {
            throw StorageError(
                .invalidName, "the path of a file has more than \(FileName.maximumFolders) folders")
        }
        return name
    }
}

extension UnfinishedFolder {
    /// Completes what a killed process had begun: names the remaining files of an upload if others have their names, and
    /// removes an upload of which no client has learned.
    func recover(_ numbers: NumberedNames, _ durability: Durability) {
        guard let directory = try? claim() else { return }
        guard directory.contains(Self.request) else {
            _ = try? remove(limit: .max)
            return
        }
        // If that fails, the next start tries again.
        try? completePublication(numbers, durability)
    }

    /// Names the remaining files if a process was killed while it named them.
    func completePublication(_ numbers: NumberedNames, _ durability: Durability) throws(SystemError) {
        guard let directory = try open(), let bytes = try Self.read(Self.publication, in: directory),
            let publication = Publication(bytes: bytes)
        else { return }
        _ = try publication.complete(from: directory, in: parent, numbers, durability)
    }
}

extension BodyRecord {
    /// How many bytes are read at once, if an entry does not have more.
    private static let pieceSize = 1 << 20

    /// Reads some entries.
    ///
    /// - Returns: no segments at the end of the record, and where its complete entries end.
    static func read(
        at start: Int, in directory: Directory
    ) throws(SystemError) -> Result<(segments: [BodySegment], next: Int), DamagedError> {
        let size = try directory.status(of: UnfinishedFolder.body)?.size ?? 0
        var count = pieceSize
        while true {
            let bytes = try UnfinishedFolder.read(UnfinishedFolder.body, in: directory, at: start, count: count) ?? []
            let isLast = start + bytes.count >= size
            var (segments, read): ([BodySegment], Int) = ([], 0)
            do throws(DamagedError) {
                while let entry = try next(in: bytes[read...], isLast: isLast) {
                    segments += entry.segments
                    read += entry.byteCount
                }
            } catch {
                return .failure(error)
            }
            // An entry may be longer than a piece.
            if read > 0 || isLast { return .success((segments, start + read)) }
            count = maximumEntry + (1 << 10)
        }
    }
}
