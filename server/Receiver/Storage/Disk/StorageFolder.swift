import NIOPosix
import Platform
import Synchronization

/// The directory of a storage. If it is removed and made again, the new one is used from then on. Every call blocks.
final class StorageFolder: Sendable {
    /// A directory, and what works there.
    struct Opened: Sendable {
        let directory: Directory
        let kind: TemporaryFile.Kind
        let sync: DirectorySync
    }

    let durability: Durability
    let numbers = NumberedNames()
    private let path: String
    private let syncPool: NIOThreadPool
    private let opened: Mutex<Opened>

    /// Opens the directory, creates it if it does not exist, and completes or removes the unfinished files of killed
    /// processes.
    ///
    /// - Parameters:
    ///   - path: absolute, or relative to the working directory.
    ///   - syncPool: runs the syncs of the directory.
    init(creatingAt path: String, _ durability: Durability, syncPool: NIOThreadPool) throws(StorageError) {
        let directory: Directory
        do {
            directory = try Directory(creatingAt: path, durability: durability)
            try Leftovers.recover(in: directory, naming: numbers, durability: durability)
        } catch {
            throw error.storageError("cannot open the directory \(path)")
        }
        do {
            let kind = try TemporaryFile.probe(directory, durability)
            opened = Mutex(Opened(directory: directory, kind: kind, sync: DirectorySync(directory, syncPool)))
        } catch {
            throw error.storageError(path)
        }
        (self.path, self.durability, self.syncPool) = (path, durability, syncPool)
    }

    /// For tests, which also run the way of systems without `O_TMPFILE`.
    init(
        path: String, kind: TemporaryFile.Kind, _ durability: Durability, syncPool: NIOThreadPool = .singleton
    ) throws(SystemError) {
        let directory = try Directory(creatingAt: path)
        opened = Mutex(Opened(directory: directory, kind: kind, sync: DirectorySync(directory, syncPool)))
        (self.path, self.durability, self.syncPool) = (path, durability, syncPool)
    }

    /// The directory that was opened last or, if that has been removed, the one that the path leads to now. It is not
    /// created: it may belong to a disk that is not mounted. A directory that was renamed is still used.
    ///
    /// - Throws: if there is no directory, or nothing can be stored there.
    func current() throws(SystemError) -> Opened {
        let current = opened.withLock { $0 }
        guard current.directory.isRemoved else { return current }
        return try opened.withLock { opened throws(SystemError) in
            if opened.directory.isRemoved {
                let directory = try Directory(at: path)
                try Leftovers.recover(in: directory, naming: numbers, durability: durability)
                do throws(TemporaryFile.ProbeError) {
                    let kind = try TemporaryFile.probe(directory, durability)
                    opened = Opened(directory: directory, kind: kind, sync: DirectorySync(directory, syncPool))
                } catch {
                    throw error.error
                }
            }
            return opened
        }
    }

    /// Creates a file and writes a block to it, as an upload does, and removes the file.
    func check() throws(StorageError) {
        let opened: Opened
        do {
            opened = try current()
        } catch {
            throw error.storageError("the directory cannot be opened")
        }
        do throws(SystemError) {
            let file = try TemporaryFile(in: opened.directory, kind: opened.kind)
            defer { file.discard() }
            // An empty file may still fit on a full disk, and so may a few bytes.
            let block = [UInt8](repeating: 0, count: 4096)
            try block.withUnsafeBufferPointer { block throws(SystemError) in
                _ = try file.write(UnsafeRawBufferPointer(block))
            }
        } catch {
            throw error.storageError("cannot store a file")
        }
    }
}
