public import NIOPosix

/// Stores files in one directory of a file system.
///
/// A file is invisible until its whole request has arrived: it has no name (`O_TMPFILE`), or,
/// where the system cannot do that, a hidden one. It is then linked under its own name, or under
/// the next free one, `book (1).txt` for `book.txt`; no file is ever replaced. The data is in the
/// kernel's hands by then; it is not forced to the disk.
///
/// What can be read is its regular files, whoever has put them there, but no hidden ones: those
/// with a dot at the beginning of their name.
public struct DirectoryStorage: Storage {
    let directory: Directory
    private let kind: TemporaryFile.Kind
    let threadPool: NIOThreadPool
    /// Of requests whose files are being written.
    private let share = BufferShare()

    /// Opens a directory, makes it where it is missing, and removes what killed processes have
    /// left half-written there. Blocks.
    ///
    /// - Parameters:
    ///   - path: absolute, or relative to the working directory.
    ///   - threadPool: where all later calls block; the process's shared pool unless given.
    /// - Throws: ``StorageError`` when the directory cannot be made, read or written.
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

    /// Only for tests, which take the way of systems without `O_TMPFILE`.
    init(path: String, kind: TemporaryFile.Kind) throws {
        directory = try Directory(creatingAt: path)
        self.kind = kind
        threadPool = .singleton
    }

    public func begin() -> any StorageTransaction {
        Transaction(directory: directory, kind: kind, threadPool: threadPool, share: share)
    }
}
