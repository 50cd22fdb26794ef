internal import Platform

/// A file that takes its path in one step when it is complete. It is not visible before, and nothing is left of it if
/// it never completes. Every call blocks.
///
/// The server's `TemporaryFile` differs: it never replaces a file, is used by several threads, and finds files that
/// killed processes have left.
struct FileWriter: ~Copyable {
    /// Enough bytes for a disk to be fast, and few enough for the final sync to be short.
    private static let writebackInterval = 8 << 20

    /// The folder of the path: the same one if it is renamed, or if the process changes its working directory.
    private let directory: Descriptor
    private let name: Path
    private let durability: Durability
    /// In bytes.
    private(set) var size = 0
    /// Of the bytes that the system has been asked to write to the disk already.
    private var writtenBack = 0
    /// Nil once closed.
    private var file: Descriptor?
    /// Nil for a file without a name (see ``UnnamedFile``), and once the file has its path.
    private var temporaryName: Path?
    /// Whether the file stays under its other name if it does not get its path.
    var isKept = false

    /// - Parameters:
    ///   - path: of a regular file, a link to one, or nothing yet.
    ///   - durability: whether the file must be on the disk when ``publish()`` returns.
    ///   - permissions: of the file; by default as the umask allows.
    ///   - mayBeUnnamed: false to do as on systems where files must have names.
    /// - Throws: errors that can be known before anything is written, such as a missing folder.
    init(
        replacing path: Path, durability: Durability = .full, permissions: mode_t? = nil, mayBeUnnamed: Bool = true
    ) throws(SystemError) {
        guard !path.bytes.isEmpty else { throw SystemError(code: ENOENT) }
        guard !path.bytes.contains(0) else { throw SystemError(code: EINVAL) }
        let (folder, name) = path.folderAndName
        let directory = try Descriptor { folder.withCString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } }
        try Self.checkReplaceable(name, in: directory.raw)
        if mayBeUnnamed, let unnamed = try? UnnamedFile.open(in: directory.raw), UnnamedFile.canBeNamed(unnamed) {
            if let permissions { try SystemError.check { fchmod(unnamed.raw, permissions) } }
            file = consume unnamed
            temporaryName = nil
        } else {
            let (folder, hidden) = (directory.raw, Self.hiddenName())
            file = try Descriptor {
                openat(folder, hidden, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, permissions ?? 0o666)
            }
            temporaryName = Path(hidden)
        }
        self.directory = directory
        self.name = name
        self.durability = durability
    }

    deinit {
        if let temporaryName, !isKept { _ = temporaryName.withCString { unlinkat(directory.raw, $0, 0) } }
    }

    /// A file that has another name until it gets its path, and stays there if it does not; locked while it is open.
    ///
    /// - Parameters:
    ///   - partial: the other name, in the same folder. The file may exist, and keeps its bytes.
    /// - Throws: `EWOULDBLOCK` if it is locked already, also by another process; `EPERM` if it belongs to another user, and
    ///   `ENOTSUP` if it is not a regular file.
    init(replacing path: Path, continuing partial: Path, durability: Durability) throws(SystemError) {
        guard !path.bytes.isEmpty else { throw SystemError(code: ENOENT) }
        guard !path.bytes.contains(0) else { throw SystemError(code: EINVAL) }
        let ((folder, name), partial) = (path.folderAndName, partial.folderAndName.name)
        let directory = try Descriptor { folder.withCString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } }
        try Self.checkReplaceable(name, in: directory.raw)
        let (descriptor, size) = try Self.openLocked(partial, in: directory.raw)
        self.file = Descriptor(owning: descriptor)
        (self.size, writtenBack) = (size, size)
        (temporaryName, isKept) = (partial, true)
        self.directory = directory
        self.name = name
        self.durability = durability
    }

    /// Opens or makes a file, and locks it.
    ///
    /// - Returns: a descriptor at the end of the file, and its length.
    private static func openLocked(_ name: Path, in directory: Int32) throws(SystemError) -> (Int32, Int) {
        while true {
            // A symbolic link may lead anywhere. Opening a pipe would wait for its reader.
            let flags = O_CREAT | O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
            let file = try Descriptor { name.withCString { openat(directory, $0, flags, 0o666) } }
            let raw = file.raw
            try SystemError.check { flock(raw, LOCK_EX | LOCK_NB) }
            var (status, named) = (stat(), stat())
            try SystemError.check { fstat(raw, &status) }
            guard status.st_mode & S_IFMT == S_IFREG else { throw SystemError(code: ENOTSUP) }
            guard status.st_uid == geteuid() else { throw SystemError(code: EPERM) }
            // Before it was locked, another process may have given it its path.
            let isNamed = name.withCString { fstatat(directory, $0, &named, AT_SYMLINK_NOFOLLOW) } == 0
            guard isNamed, named.st_ino == status.st_ino, named.st_dev == status.st_dev else { continue }
            let size = try SystemError.check { lseek(raw, 0, SEEK_END) }
            return (file.release(), Int(size))
        }
    }

    /// Appends all of `bytes`.
    mutating func append(_ bytes: [UInt8]) throws(SystemError) {
        precondition(file != nil, "published already")
        try bytes.withUnsafeBufferPointer { (bytes) throws(SystemError) in
            try file?.write(UnsafeRawBufferPointer(bytes))
        }
        size += bytes.count
        guard durability == .full, size - writtenBack >= Self.writebackInterval, let raw = file?.raw else { return }
        Descriptor.startWriteback(of: raw, from: writtenBack)
        writtenBack = size
    }

    /// Removes the bytes from `size` on.
    mutating func truncate(to size: Int = 0) throws(SystemError) {
        guard let raw = file?.raw else { preconditionFailure("published already") }
        try SystemError.check { ftruncate(raw, off_t(size)) }
        try SystemError.check { lseek(raw, off_t(size), SEEK_SET) }
        (self.size, writtenBack) = (size, min(size, writtenBack))
    }

    /// Writes the bytes so far to the disk.
    func sync() throws(SystemError) { try file?.syncContent() }

    /// Gives the file its path.
    ///
    /// No call replaces a file by one without a name: that gets a hidden name first.
    mutating func publish() throws(SystemError) {
        let folder = directory.raw
        if durability == .full { try file?.syncContent() }
        if temporaryName == nil, let descriptor = file?.raw {
            let hidden = Self.hiddenName()
            try UnnamedFile.link(descriptor, in: folder, as: hidden)
            temporaryName = Path(hidden)
        }
        // A file server, or a quota, may report only here that it did not take the bytes.
        try file.take()?.close()
        guard let temporaryName else { preconditionFailure("published already") }
        try SystemError.check {
            temporaryName.withCString { old in name.withCString { renameat(folder, old, folder, $0) } }
        }
        self.temporaryName = nil
        if durability == .full { try directory.syncNames() }
    }

    private static func checkReplaceable(_ name: Path, in directory: Int32) throws(SystemError) {
        // The path ends with a slash.
        guard !name.bytes.isEmpty else { throw SystemError(code: EISDIR) }
        var status = stat()
        guard name.withCString({ fstatat(directory, $0, &status, 0) }) == 0 else {
            let error = SystemError.last
            // Nothing has the name, or a link that leads to nothing.
            if error.code == ENOENT { return }
            throw error
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw SystemError(code: EISDIR)
        // Replacing a device would be possible, but hardly meant.
        default: throw SystemError(code: ENOTSUP)
        }
    }

    // Another prefix than the server's, which removes files of its own prefix that are not locked.
    private static func hiddenName() -> String { UnnamedFile.randomName(prefix: ".saving-") }
}
