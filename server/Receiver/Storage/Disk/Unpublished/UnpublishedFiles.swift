import NIOCore
import Platform
import Synchronization

/// The files of one request until they are published. Every call but ``syncNames()`` blocks, and they follow one another.
///
/// The only file of a request has no name, or a hidden one: see ``TemporaryFile``. When a second file begins, the first
/// is moved into a ``StagingFolder`` and the others are created there, so that complete files can be closed.
final class UnpublishedFiles: Sendable {
    private struct State {
        /// All files of a request are in the same directory. Nil before the first one.
        var opened: StorageFolder.Opened?
        /// The file that is being written.
        var current: TemporaryFile?
        /// Complete files that are still open, in order.
        var complete: [TemporaryFile] = []
        /// Nil for a single file.
        var staging: StagingFolder?
        var count = 0
        var named: [NamedFile] = []
        /// Whether the condition of the only file does not hold.
        var isRefused = false
        /// The paths of the folders that were created, each after its parent.
        var createdFolders: [ArraySlice<String>] = []
        /// The paths of the folders below the directory whose new names are not on the disk yet.
        var unsyncedFolders: Set<ArraySlice<String>> = []
    }

    let folder: StorageFolder
    private let state = Mutex(State())

    init(in folder: StorageFolder) { self.folder = folder }

    /// Complete files of an upload that was interrupted. They are in a folder of their own from the beginning.
    ///
    /// - Parameter staging: has `count` files, and is kept if it contains anything else.
    init(in folder: StorageFolder, _ opened: StorageFolder.Opened, adopting staging: StagingFolder, count: Int)
        throws(SystemError)
    {
        self.folder = folder
        var adopted = State()
        (adopted.opened, adopted.staging, adopted.count) = (opened, staging, count)
        if count == 1 {
            adopted.complete = [try TemporaryFile(complete: StagingFolder.fileName(0), in: staging.directory)]
        }
        let state = adopted
        self.state.withLock { $0 = state }
    }

    private var durability: Durability { folder.durability }

    /// Whether the condition of the only file does not hold.
    var isRefused: Bool { state.withLock { $0.isRefused } }

    var directory: Directory {
        guard let opened = state.withLock({ $0.opened }) else { preconditionFailure("no file has begun") }
        return opened.directory
    }

    /// Begins a file.
    func begin() throws(SystemError) {
        try state.withLock { state throws(SystemError) in
            let opened = if let opened = state.opened { opened } else { try folder.current() }
            state.opened = opened
            if state.count == 1 {
                let staging = try StagingFolder(in: opened.directory)
                state.staging = staging
                try state.complete[0].move(to: StagingFolder.fileName(0), in: staging.directory)
            }
            if let staging = state.staging {
                let name = StagingFolder.fileName(state.count)
                state.current = try TemporaryFile(named: name, in: staging.directory)
            } else {
                state.current = try TemporaryFile(in: opened.directory, kind: opened.kind)
            }
            state.count += 1
        }
    }

    /// Appends to the file that was begun last; see `TemporaryFile`.
    func write(
        _ pieces: [ByteBuffer], startWriteback: (@escaping @Sendable () -> Void) -> Void
    ) throws(SystemError) {
        guard let file = state.withLock({ $0.current }) else { preconditionFailure("write before begin") }
        try file.write(pieces, durability, startWriteback: startWriteback)
    }

    /// Ends the file that was begun last.
    func end() {
        state.withLock { state in
            if let file = state.current.take() { state.complete.append(file) }
        }
    }

    /// Syncs and closes the complete files. Never called for a single file.
    func closeComplete() throws(SystemError) {
        let files = state.withLock { state in
            defer { state.complete = [] }
            return state.complete
        }
        try files.close(durability)
    }

    /// Names the only file of the request, unless its condition does not hold: see ``isRefused``.
    func publishOne(as wish: FileName, _ naming: Naming) throws(SystemError) {
        guard let file = state.withLock({ $0.complete.first }) else { preconditionFailure("there is no file") }
        if durability == .full { try file.sync() }
        let named = try name(wish, naming, file)
        state.withLock { state in
            state.isRefused = named == nil
            if let named { state.named = [named] }
        }
        try file.close()
    }

    /// Closes the files, and records which names they get: see ``StagingFolder/record(_:_:)``.
    func record(_ names: [FileName]) throws(SystemError) {
        try closeComplete()
        try state.withLock({ $0.staging })?.record(names, durability)
    }

    /// Names the next files, at most as many as `limit`.
    ///
    /// - Parameter names: of all files.
    /// - Returns: whether all files are named.
    func publish(_ names: [FileName], limit: Int) throws(SystemError) -> Bool {
        guard let staging = state.withLock({ $0.staging }) else { preconditionFailure("there is one file only") }
        let first = state.withLock { $0.named.count }
        for index in first..<min(first + limit, names.count) {
            guard let status = try staging.status(of: index) else { throw SystemError(code: ENOENT) }
            let named = try name(names[index], status) { name, folder throws(SystemError) in
                try staging.publish(index, as: name, in: folder)
            }
            state.withLock { $0.named.append(named) }
        }
        return first + limit >= names.count
    }

    /// Whether there is something to do for ``syncFolders(limit:)``.
    var hasUnsyncedFolders: Bool { durability == .full && state.withLock { !$0.unsyncedFolders.isEmpty } }

    /// Writes the names in folders to the disk, at most as many as `limit`.
    func syncFolders(limit: Int) throws(SystemError) {
        let paths = state.withLock { $0.unsyncedFolders.prefix(limit) }
        for path in paths { try directory.folder(path).descriptor.syncNames() }
        state.withLock { $0.unsyncedFolders.subtract(paths) }
    }

    func noteCreated(_ folder: ArraySlice<String>) {
        state.withLock { $0.createdFolders.append(folder) }
        noteChanged(folder.dropLast())
    }

    func noteChanged(_ folder: ArraySlice<String>) {
        if !folder.isEmpty { state.withLock { _ = $0.unsyncedFolders.insert(folder) } }
    }

    /// Suspends until the names of the published files and of the staging folder are on the disk, if they have to be, except
    /// those of ``syncFolders(limit:)``.
    func syncNames() async throws(StorageError) {
        if durability == .full { try await state.withLock { $0.opened }?.sync.sync() }
    }

    /// Ends the request. The published files stay.
    ///
    /// - Returns: them, in order.
    func finish() -> [PublishedFile] {
        let state = state.withLock { state in
            defer { state = State() }
            return state
        }
        // If that fails, the next start removes the folder.
        try? state.staging?.remove()
        return state.named.map(\.published)
    }

    /// Removes files, also published ones, at most as many as `limit`, and then the staging folder.
    ///
    /// - Returns: whether nothing is left.
    func discard(limit: Int) -> Bool {
        // If the process is killed after this, the next one removes the remaining files instead of naming them.
        state.withLock { $0.staging?.removeRecord(durability) }
        let (named, file) = state.withLock { ($0.named.suffix(limit), $0.complete.first) }
        for named in named { takeBack(named, file) }
        return state.withLock { state in
            state.named.removeLast(named.count)
            guard state.named.isEmpty else { return false }
            state.current.take()?.discard()
            for file in state.complete { file.discard() }
            state.complete = []
            // Another request may have stored files there.
            for path in state.createdFolders.suffix(limit).reversed() {
                try? state.opened?.directory.folder(path.dropLast()).removeDirectory(path.last ?? "")
            }
            state.createdFolders.removeLast(min(limit, state.createdFolders.count))
            guard state.createdFolders.isEmpty else { return false }
            guard let staging = state.staging else { return true }
            for index in max(0, state.count - limit)..<state.count { staging.removeFile(index) }
            state.count = max(0, state.count - limit)
            guard state.count == 0 else { return false }
            try? staging.remove()
            state.staging = nil
            return true
        }
    }
}
