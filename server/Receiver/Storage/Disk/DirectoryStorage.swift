public import NIOPosix
public import Platform

/// Stores files in one directory of a file system.
///
/// A file is invisible until its whole request has arrived: it has no name (`O_TMPFILE`) or, where the system cannot do
/// that, a hidden one. It then gets its own name or, if that is taken, the next free one: `book (1).txt` for `book.txt`.
/// Where a file is to replace another one, both exchange their names, and the old one is removed afterwards: readers see
/// one or the other.
///
/// With ``keepsPaths``, folders are created below the directory as they are needed. A request that fails removes those that
/// it has created, if they are empty. No symbolic link is followed.
///
/// With ``Durability/full`` a request succeeds when its files are on the disk: first the content is synced, then the file
/// gets its name, then the directory is synced. Requests that end at the same time share a sync of the directory. If
/// syncing fails, the request fails and its files are removed.
///
/// The files of a request of several appear one after another, within a short time, and either all of them or none: the
/// names are recorded before the first one is given. If the process is killed in between, the next ``init`` for the same
/// directory gives the remaining names.
///
/// Clients can read all regular files of the directory, whoever put them there, except hidden ones (names that begin
/// with a dot).
///
/// If the directory is removed and made again, the next request uses the new one.
public struct DirectoryStorage: Storage {
    /// Runs the calls that wait for the disk. Many threads: file systems sync for several of them together.
    private static let sharedSyncPool = {
        let pool = NIOThreadPool(numberOfThreads: 16)
        pool.start()
        return pool
    }()

    let folder: StorageFolder
    public let keepsPaths: Bool
    let threadPool: NIOThreadPool
    let syncPool: NIOThreadPool
    /// Of the requests that write files, like the budget.
    let openFiles: OpenFileLimit
    /// Of the requests that read a file.
    let readers: OpenFileLimit
    /// Of the requests that read the directory: one at a time, so that many lists do not delay other requests.
    let listings = OpenFileLimit(of: "lists of files", descriptors: 1, timeout: .seconds(60))
    let budget = BufferBudget()

    /// Opens a directory, creates it if it does not exist, and completes or removes the unfinished files of killed
    /// processes. Blocks.
    ///
    /// - Parameters:
    ///   - path: absolute, or relative to the working directory.
    ///   - durability: what has to be true before a request succeeds.
    ///   - keepsPaths: whether files are stored below folders, as their clients name them.
    ///   - threadPool: runs all later calls that do not wait for the disk to sync; by default the pool that the process
    ///     shares.
    /// - Throws: ``StorageError`` if the directory cannot be created, read or written, or if its file system can neither
    ///   rename a file without replacing another one nor make hard links.
    public init(
        path: String, durability: Durability = .full, keepsPaths: Bool = false, threadPool: NIOThreadPool = .singleton
    ) throws(StorageError) {
        syncPool = durability == .full ? Self.sharedSyncPool : threadPool
        folder = try StorageFolder(creatingAt: path, durability, syncPool: syncPool)
        openFiles = OpenFileLimit()
        readers = OpenFileLimit(of: "downloads", descriptors: OpenFileLimit.defaultReaders)
        (self.keepsPaths, self.threadPool) = (keepsPaths, threadPool)
    }

    /// For tests, which also run the way of systems without `O_TMPFILE`.
    init(
        path: String, kind: TemporaryFile.Kind, durability: Durability = .full, keepsPaths: Bool = false,
        openFiles: OpenFileLimit = OpenFileLimit(),
        readers: OpenFileLimit = OpenFileLimit(of: "downloads", descriptors: OpenFileLimit.defaultReaders)
    ) throws {
        syncPool = durability == .full ? Self.sharedSyncPool : .singleton
        folder = try StorageFolder(path: path, kind: kind, durability, syncPool: syncPool)
        (self.keepsPaths, self.openFiles, self.readers) = (keepsPaths, openFiles, readers)
        threadPool = .singleton
    }

    /// Creates a file and writes a block to it, as an upload does. Blocks a thread of its own: that of a full pool would say
    /// more about the load than about the directory.
    public func check() async throws(StorageError) {
        let result: Result<Void, StorageError> = await withCheckedContinuation { continuation in
            do throws(SystemError) {
                try NativeThread.start("storage check") { [folder] in
                    continuation.resume(returning: Result { () throws(StorageError) in try folder.check() })
                }
            } catch {
                continuation.resume(returning: .failure(error.storageError("cannot start a thread")))
            }
        }
        try result.get()
    }

    public func begin() -> any StorageTransaction { Transaction(self) }
}
