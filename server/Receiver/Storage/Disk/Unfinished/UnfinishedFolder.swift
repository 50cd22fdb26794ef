import Platform

/// The hidden folder of an unfinished upload. It stays when its process ends, so that the upload can go on. It is locked
/// while a process writes the upload. Every call blocks.
///
/// | file          | holds                                                                            |
/// |---------------|----------------------------------------------------------------------------------|
/// | `request`     | the request that began the upload                                                |
/// | `0`, `1`, …   | the contents of its files                                                        |
/// | `body`        | the segments of the body: see ``BodyRecord``                                     |
/// | `coded`       | a coded body as it was sent                                                      |
/// | `publication` | the names that the files get, from the moment on in which they may have them     |
/// | `answer`      | the answer, after which only this file and `request` remain                      |
struct UnfinishedFolder: Sendable {
    static let namePrefix = TemporaryFile.namePrefix + "unfinished-"
    static let (request, body, coded, publication, answer) = ("request", "body", "coded", "publication", "answer")
    /// What stays when the upload is complete.
    static let completed: Set = [request, answer]

    let id: UploadID
    let parent: Directory

    var name: String { Self.namePrefix + id.description }

    /// The uploads in a directory.
    static func all(in parent: Directory) throws(SystemError) -> [UnfinishedFolder] {
        try parent.names(startingWith: namePrefix).compactMap { name in
            UploadID(name.dropFirst(namePrefix.count)).map { UnfinishedFolder(id: $0, parent: parent) }
        }
    }

    /// Creates and locks the folder. Its name is not on the disk yet.
    func create(request: [UInt8], _ durability: Durability) throws(SystemError) -> Directory {
        let directory = try Directory(creating: name, in: parent)
        _ = Leftovers.claim(directory.descriptor.raw)
        do {
            try Self.write(request, to: Self.request, in: directory, durability)
        } catch {
            try? directory.removeFile(Self.request)
            try? parent.removeDirectory(name)
            throw error
        }
        return directory
    }

    /// - Returns: nil if there is no such upload.
    func open() throws(SystemError) -> Directory? {
        do {
            return Directory(try parent.openFile(name, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW))
        } catch {
            guard error.code == ENOENT else { throw error }
            return nil
        }
    }

    /// Opens and locks the folder.
    ///
    /// - Throws: `EAGAIN` if another process has locked it.
    func claim() throws(SystemError) -> Directory {
        guard let directory = try open() else { throw SystemError(code: ENOENT) }
        guard Leftovers.claim(directory.descriptor.raw) else { throw SystemError(code: EAGAIN) }
        return directory
    }

    /// Replaces a small file in one step.
    static func write(
        _ bytes: [UInt8], to name: String, in directory: Directory, _ durability: Durability
    ) throws(SystemError) {
        let file = try TemporaryFile(named: name + ".new", in: directory, size: 0)
        defer { file.discard() }
        try bytes.withUnsafeBufferPointer { bytes throws(SystemError) in
            _ = try file.write(UnsafeRawBufferPointer(bytes))
        }
        if durability == .full { try file.sync() }
        try file.close()
        try directory.replace(name, in: directory, by: name + ".new")
        if durability == .full { try directory.descriptor.syncNames() }
    }

    /// Reads a file.
    ///
    /// - Parameter count: the most bytes to read; by default all.
    /// - Returns: nil if there is none.
    static func read(
        _ name: String, in directory: Directory, at offset: Int = 0, count: Int = .max
    ) throws(SystemError) -> [UInt8]? {
        let file: Descriptor
        do {
            file = try directory.openFile(name, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        } catch {
            guard error.code == ENOENT else { throw error }
            return nil
        }
        return try file.read(at: offset, count: min(count, max(0, try FileStatus(of: file.raw).size - offset)))
    }

    /// The size of the files, and when the last of them was written.
    func entry() throws(SystemError) -> UnfinishedEntry? {
        guard let directory = try open() else { return nil }
        var (bytes, modified, isComplete) = (0, 0, false)
        for name in try directory.names(startingWith: "") {
            guard let status = try directory.status(of: name), status.isRegular else { continue }
            let file = status.file(named: name)
            bytes += file.size
            modified = max(modified, file.modified)
            if name == Self.answer { isComplete = true }
        }
        return UnfinishedEntry(id: id, bytes: bytes, modified: modified, isComplete: isComplete)
    }

    /// Removes files, at most as many as `limit`, and then the folder.
    ///
    /// - Parameter kept: the names of files that stay, with the folder.
    /// - Returns: whether nothing else is left.
    func remove(except kept: Set<String> = [], limit: Int) throws(SystemError) -> Bool {
        guard let directory = try open() else { return true }
        // First: files that are missing after this are not taken for files that have a name.
        if directory.contains(Self.publication) { try directory.removeFile(Self.publication) }
        let names = try directory.names(startingWith: "").filter { !kept.contains($0) }
        for name in names.prefix(limit) { try directory.removeFile(name) }
        guard names.count <= limit else { return false }
        if kept.isEmpty { try parent.removeDirectory(name) }
        return true
    }

    /// Removes all but the request and the answer of a completed upload: a killed process may have left more.
    func removeRest(_ durability: Durability) throws(SystemError) {
        guard let directory = try open(), directory.contains(Self.answer),
            try !Self.completed.isSuperset(of: directory.names(startingWith: ""))
        else { return }
        // The process may have been killed before the answer was on the disk. Without the answer the rest is needed.
        if durability == .full { try directory.descriptor.syncNames() }
        _ = try remove(except: Self.completed, limit: .max)
    }
}
