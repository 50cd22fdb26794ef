import Platform
import Synchronization

/// A file that is being written, and is invisible until ``move(to:in:)``. Every call blocks. They follow one another,
/// except ``startWriteback(from:)``.
final class TemporaryFile: Sendable {
    enum Kind: Sendable, CaseIterable {
        /// The file has no name, and disappears with the process, however that ends: see `UnnamedFile`.
        case unnamed
        /// The file has a hidden name and is locked while its process lives: see ``Leftovers``.
        case hidden
    }

    /// The beginning of every hidden name. No stored file has such a name.
    static let namePrefix = ".http-streaming-"
    /// Enough bytes for a disk to be fast, and few enough for the final sync to be short.
    private static let writebackInterval = 8 << 20

    private struct State: ~Copyable {
        /// Nil after ``close()``.
        var descriptor: Descriptor?
        /// Removed by ``discard()``; nil if the file has none.
        var hiddenName: String?
        var size = 0
        /// The size up to which ``startWriteback(from:)`` has been asked for.
        var writtenBack = 0
    }

    private let directory: Directory
    private let state: Mutex<State>
    /// The descriptor until it is about to be closed. Locked by ``startWriteback(from:)``.
    private let writeback: Mutex<Int32?>

    /// Creates a file in a directory whose files clients see.
    convenience init(in directory: Directory, kind: Kind) throws(SystemError) {
        switch kind {
        case .unnamed:
            self.init(try UnnamedFile.open(in: directory.descriptor.raw), hiddenName: nil, in: directory)
        case .hidden:
            let (file, name) = try Self.openHidden(in: directory)
            self.init(Descriptor(owning: file), hiddenName: name, in: directory)
        }
    }

    /// Creates a file in a hidden directory, whose owner removes it.
    convenience init(named name: String, in directory: Directory) throws(SystemError) {
        let file = try directory.openFile(name, flags: O_CREAT | O_EXCL | O_WRONLY)
        self.init(file, hiddenName: nil, in: directory)
    }

    /// Opens a file in a hidden directory, or creates it, and goes on writing after its first `size` bytes. The others are
    /// removed.
    ///
    /// - Throws: `EIO` if the file has fewer bytes.
    convenience init(named name: String, in directory: Directory, size: Int) throws(SystemError) {
        let file = try directory.openFile(name, flags: O_CREAT | O_WRONLY | O_NOFOLLOW)
        let raw = file.raw
        let stored = try FileStatus(of: raw).size
        guard stored >= size else { throw SystemError(code: EIO) }
        // Otherwise the time of change stays, too.
        if stored > size { try SystemError.check { ftruncate(raw, off_t(size)) } }
        try SystemError.check { lseek(raw, off_t(size), SEEK_SET) }
        self.init(file, hiddenName: nil, in: directory, size: size)
    }

    /// Opens a complete file in a hidden directory, to name it: see ``move(to:in:)``.
    convenience init(complete name: String, in directory: Directory) throws(SystemError) {
        self.init(try directory.openFile(name, flags: O_WRONLY | O_NOFOLLOW), hiddenName: name, in: directory)
    }

    private init(_ file: consuming Descriptor, hiddenName: String?, in directory: Directory, size: Int = 0) {
        self.directory = directory
        writeback = Mutex(file.raw)
        state = Mutex(State(descriptor: file, hiddenName: hiddenName, size: size, writtenBack: size))
    }

    /// How many bytes have been written.
    var size: Int { state.withLock { $0.size } }

    /// A second descriptor of the file, to sync it while it is being written; nil after ``close()``.
    func duplicate() throws(SystemError) -> Descriptor? {
        try state.withLock { state throws(SystemError) in
            guard let raw = Self.raw(of: state.descriptor) else { return nil }
            return try Descriptor { fcntl(raw, F_DUPFD_CLOEXEC, 0) }
        }
    }

    private static func raw(of descriptor: borrowing Descriptor?) -> Int32? {
        switch descriptor {
        case .some(let file): file.raw
        case .none: nil
        }
    }

    deinit { discard() }

    private static func openHidden(in directory: Directory) throws(SystemError) -> (file: Int32, name: String) {
        while true {
            let name = UnnamedFile.randomName(prefix: namePrefix)
            let file = try directory.openFile(name, flags: O_CREAT | O_EXCL | O_WRONLY)
            // A process that starts at this moment may have taken the file for a leftover.
            if Leftovers.claim(file.raw), directory.contains(name) { return (file.release(), name) }
        }
    }

    /// Appends all of `bytes`.
    ///
    /// - Returns: where ``startWriteback(from:)`` should begin; nil if it is not worth while yet.
    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Int? {
        try state.withLock { state throws(SystemError) in
            switch state.descriptor {
            case .some(let file): try file.write(bytes)
            case .none: throw SystemError(code: EBADF)
            }
            state.size += bytes.count
            guard state.size - state.writtenBack >= Self.writebackInterval else { return nil }
            defer { state.writtenBack = state.size }
            return state.writtenBack
        }
    }

    /// Starts to write the content from `offset` to the disk. May run beside another call, and after ``close()``.
    func startWriteback(from offset: Int = 0) {
        writeback.withLock { file in
            if let file { Descriptor.startWriteback(of: file, from: offset) }
        }
    }

    /// Writes the content to the disk. After a failure the file must be discarded.
    func sync() throws(SystemError) {
        try withDescriptor { file throws(SystemError) in try file.syncContent() }
    }

    /// Gives the file a name in a directory of the same file system. Never replaces a file.
    ///
    /// - Throws: `EEXIST` if the name is taken.
    func move(to name: String, in target: Directory) throws(SystemError) {
        if let hiddenName = state.withLock({ $0.hiddenName }) {
            try directory.move(hiddenName, to: name, in: target)
            state.withLock { $0.hiddenName = nil }
        } else {
            try withDescriptor { file throws(SystemError) in
                try UnnamedFile.link(file.raw, in: target.descriptor.raw, as: name)
            }
        }
    }

    /// Takes the place of another file, in one step. That file gets a hidden name, so that a second exchange undoes the
    /// first one, until ``discard()`` removes it.
    ///
    /// - Throws: `ENOENT` if no file has the name.
    func exchange(with name: String, in target: Directory) throws(SystemError) {
        let hiddenName = try hide()
        do {
            try directory.exchange(hiddenName, with: name, in: target)
        } catch {
            // NFS, for example, cannot exchange names: what happens cannot be undone there.
            guard [EINVAL, ENOSYS, ENOTSUP].contains(error.code) else { throw error }
            try directory.replace(name, in: target, by: hiddenName)
            state.withLock { $0.hiddenName = nil }
        }
    }

    /// Gives the file a hidden name: only a named file can replace another one.
    private func hide() throws(SystemError) -> String {
        if let hiddenName = state.withLock({ $0.hiddenName }) { return hiddenName }
        let name = UnnamedFile.randomName(prefix: Self.namePrefix)
        try withDescriptor { file throws(SystemError) in
            // A process that starts at this moment would remove a leftover.
            _ = Leftovers.claim(file.raw)
            try UnnamedFile.link(file.raw, in: directory.descriptor.raw, as: name)
        }
        state.withLock { $0.hiddenName = name }
        return name
    }

    func status() throws(SystemError) -> FileStatus {
        try withDescriptor { file throws(SystemError) in try FileStatus(of: file.raw) }
    }

    /// Closes the file. Some file systems, NFS for example, report only now that they could not write.
    func close() throws(SystemError) {
        writeback.withLock { $0 = nil }
        // A method of an optional cannot consume its value in place.
        guard let raw = state.withLock({ $0.descriptor.take()?.release() }) else { return }
        try Descriptor(owning: raw).close()
    }

    /// Removes the file's hidden name, and closes it.
    func discard() {
        // Before the lock is released with the descriptor.
        if let hiddenName = state.withLock({ $0.hiddenName.take() }) { try? directory.removeFile(hiddenName) }
        try? close()
    }

    func withDescriptor<Result: Sendable>(
        _ body: (borrowing Descriptor) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        try state.withLock { state throws(SystemError) in
            switch state.descriptor {
            case .some(let file): return try body(file)
            case .none: throw SystemError(code: EBADF)
            }
        }
    }
}
