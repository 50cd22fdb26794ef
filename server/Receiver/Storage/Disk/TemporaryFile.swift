import Platform
import Synchronization

/// A file that is invisible until ``publish(as:)`` and disappears with the process, however that ends. Every call
/// blocks.
final class TemporaryFile: Sendable {
    enum Kind: Sendable {
        /// The file has no name: see `UnnamedFile`.
        case unnamed
        /// The file has a hidden name and is locked while its process lives. A hidden file that is not locked is a
        /// leftover of a killed process.
        case hidden
    }

    /// The beginning of every hidden name. No stored file has such a name.
    static let namePrefix = ".http-streaming-"

    private let directory: Directory
    private let hiddenName: String?
    /// Nil after ``close()``.
    private let descriptor: Mutex<Descriptor?>

    init(in directory: Directory, kind: Kind) throws(SystemError) {
        self.directory = directory
        switch kind {
        case .unnamed:
            hiddenName = nil
            descriptor = Mutex(try UnnamedFile.open(in: directory.descriptor.raw))
        case .hidden:
            while true {
                let name = UnnamedFile.randomName(prefix: Self.namePrefix)
                let file = try directory.openFile(name, flags: O_CREAT | O_EXCL | O_WRONLY)
                // A process that starts at this moment may take the file for a leftover: it then holds the lock or has
                // removed the file already. It does neither where the file system has no locks.
                let isLocked = flock(file.raw, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
                guard isLocked, directory.contains(name) else { continue }
                hiddenName = name
                descriptor = Mutex(file)
                return
            }
        }
    }

    deinit { close() }

    /// Appends all of `bytes`.
    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        try withDescriptor { file throws(SystemError) in try file.write(bytes) }
    }

    /// Makes the file visible as `name`. Never replaces a file.
    ///
    /// - Throws: `EEXIST` if the name is taken.
    func publish(as name: String) throws(SystemError) {
        if let hiddenName { return try directory.makeLink(to: hiddenName, as: name) }
        try withDescriptor { file throws(SystemError) in
            try UnnamedFile.link(file.raw, in: directory.descriptor.raw, as: name)
        }
    }

    /// Closes the file and removes its hidden name. A published name stays.
    func close() {
        descriptor.withLock { file in
            // Before the lock is released with the descriptor. The name may be gone already.
            if file != nil, let hiddenName { try? directory.removeFile(hiddenName) }
            file = nil
        }
    }

    private func withDescriptor(_ body: (borrowing Descriptor) throws(SystemError) -> Void) throws(SystemError) {
        try descriptor.withLock { file throws(SystemError) in
            switch file {
            case .some(let file): try body(file)
            case .none: throw SystemError(code: EBADF)
            }
        }
    }

    /// Finds out which kind works in a directory. Proves that files can be created there.
    static func probe(_ directory: Directory) throws(SystemError) -> Kind {
        let name = UnnamedFile.randomName(prefix: namePrefix)
        do {
            let file = try TemporaryFile(in: directory, kind: .unnamed)
            defer { file.close() }
            // Fails without /proc, for example.
            try file.publish(as: name)
            try? directory.removeFile(name)
            return .unnamed
        } catch {
            try TemporaryFile(in: directory, kind: .hidden).close()
            return .hidden
        }
    }

    /// Removes the hidden files of killed processes.
    static func removeLeftovers(in directory: Directory) throws(SystemError) {
        for name in try directory.names(startingWith: namePrefix) {
            guard let file = try? directory.openFile(name, flags: O_WRONLY | O_NOFOLLOW | O_NONBLOCK),
                flock(file.raw, LOCK_EX | LOCK_NB) == 0
            else { continue }
            try? directory.removeFile(name)
        }
    }
}
