public import NIOPosix
import Platform

/// Stores files in one directory of a file system.
///
/// A file is invisible until its whole request has arrived: it has no name (`O_TMPFILE`) or, where the system cannot do
/// that, a hidden one. It is then linked under its own name or, if that is taken, the next free one: `book (1).txt` for
/// `book.txt`. No file is ever replaced. By then the data is in the kernel; it is not forced to the disk.
///
/// Clients can read all regular files of the directory, whoever put them there, except hidden ones (names that begin
/// with a dot).
public struct DirectoryStorage: Storage {
    let directory: Directory
    private let kind: TemporaryFile.Kind
    let threadPool: NIOThreadPool
    /// Shared by the requests whose files are being written.
    private let budget = BufferBudget()

    /// Opens a directory, creates it if it does not exist, and removes the unfinished files of killed processes. Blocks.
    ///
    /// - Parameters:
    ///   - path: absolute, or relative to the working directory.
    ///   - threadPool: runs all later blocking calls; by default the pool that the process shares.
    /// - Throws: ``StorageError`` if the directory cannot be created, read or written.
    public init(path: String, threadPool: NIOThreadPool = .singleton) throws(StorageError) {
        do {
            directory = try Directory(creatingAt: path)
            try TemporaryFile.removeLeftovers(in: directory)
        } catch {
            throw error.storageError("cannot open the directory \(path)")
        }
        do {
            kind = try TemporaryFile.probe(directory)
        } catch {
            throw error.storageError("cannot write to the directory \(path)")
        }
        self.threadPool = threadPool
    }

    /// For tests, which also run the way of systems without `O_TMPFILE`.
    init(path: String, kind: TemporaryFile.Kind) throws {
        directory = try Directory(creatingAt: path)
        self.kind = kind
        threadPool = .singleton
    }

    public func begin() -> any StorageTransaction {
        Transaction(directory: directory, kind: kind, threadPool: threadPool, budget: budget)
    }
}
