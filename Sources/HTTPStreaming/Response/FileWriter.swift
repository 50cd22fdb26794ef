internal import Platform

/// A file that takes its path in one step when it is complete. It is not visible before, and nothing is left of it if
/// it never completes. Every call blocks.
///
/// The server's `TemporaryFile` differs: it never replaces a file, is used by several threads, and finds files that
/// killed processes have left.
struct FileWriter: ~Copyable {
    /// The folder of the path: the same one if it is renamed, or if the process changes its working directory.
    private let directory: Descriptor
    private let name: Path
    /// Nil once closed.
    private var file: Descriptor?
    /// Nil for a file without a name (see ``UnnamedFile``), and once the file has its path.
    private var temporaryName: String?

    /// - Parameters:
    ///   - path: of a regular file, a link to one, or nothing yet.
    ///   - mayBeUnnamed: false to do as on systems where files must have names.
    /// - Throws: errors that can be known before anything is written, such as a missing folder.
    init(replacing path: Path, mayBeUnnamed: Bool = true) throws(SystemError) {
        guard !path.bytes.isEmpty else { throw SystemError(code: ENOENT) }
        guard !path.bytes.contains(0) else { throw SystemError(code: EINVAL) }
        let (folder, name) = path.folderAndName
        let directory = try Descriptor { folder.withCString { open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) } }
        try Self.checkReplaceable(name, in: directory.raw)
        if mayBeUnnamed, let unnamed = try? UnnamedFile.open(in: directory.raw), UnnamedFile.canBeNamed(unnamed) {
            file = consume unnamed
            temporaryName = nil
        } else {
            let (folder, hidden) = (directory.raw, Self.hiddenName())
            file = try Descriptor { openat(folder, hidden, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o666) }
            temporaryName = hidden
        }
        self.directory = directory
        self.name = name
    }

    deinit {
        if let temporaryName { unlinkat(directory.raw, temporaryName, 0) }
    }

    /// Appends all of `bytes`.
    mutating func append(_ bytes: [UInt8]) throws(SystemError) {
        precondition(file != nil, "published already")
        try bytes.withUnsafeBufferPointer { (bytes) throws(SystemError) in
            try file?.write(UnsafeRawBufferPointer(bytes))
        }
    }

    /// Gives the file its path.
    ///
    /// No call replaces a file by one without a name: that gets a hidden name first.
    mutating func publish() throws(SystemError) {
        let folder = directory.raw
        if temporaryName == nil, let descriptor = file?.raw {
            let hidden = Self.hiddenName()
            try UnnamedFile.link(descriptor, in: folder, as: hidden)
            temporaryName = hidden
        }
        // A file server, or a quota, may report only here that it did not take the bytes.
        try file.take()?.close()
        guard let temporaryName else { preconditionFailure("published already") }
        try SystemError.check { name.withCString { renameat(folder, temporaryName, folder, $0) } }
        self.temporaryName = nil
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
