internal import Platform

/// A file that takes its path in one step when it is complete. Nobody sees it before, and nothing
/// is left of it if that never comes. Every call blocks.
///
/// The server has the like, `TemporaryFile`: that one never replaces a file, is shared by threads
/// and finds what killed processes have left. Neither room can use the other's.
struct FileWriter: ~Copyable {
    /// Where the file will be: it stays the same folder if that is renamed, or the process changes
    /// to another.
    private let directory: Descriptor
    private let name: String
    /// Nil once closed.
    private var file: Descriptor?
    /// Nil for a file that has no name at all (`O_TMPFILE`, Linux 3.11), which the kernel removes
    /// with its descriptor, however the process ends; and nil for one that is published.
    private var temporaryName: String?

    /// - Parameters:
    ///   - path: of a regular file, a link to one, or nothing yet.
    ///   - mayBeUnnamed: false to do as where files must have names.
    /// - Throws: what can be known before anything is written: a missing folder, say.
    init(replacing path: String, mayBeUnnamed: Bool = true) throws(SystemError) {
        guard !path.isEmpty else { throw SystemError(code: ENOENT) }
        guard !path.utf8.contains(0) else { throw SystemError(code: EINVAL) }
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { path[...$0] } ?? "./"
        let name = slash.map { String(path[path.utf8.index(after: $0)...]) } ?? path
        let directory = try Descriptor { open(String(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        try Self.checkReplaceable(name, in: directory.raw)
        let hidden = Self.hiddenName()
        if mayBeUnnamed, let unnamed = Self.openUnnamed(in: directory.raw) {
            file = consume unnamed
            temporaryName = nil
        } else {
            let folder = directory.raw
            file = try Descriptor { openat(folder, hidden, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0o666) }
            temporaryName = hidden
        }
        self.directory = directory
        self.name = name
    }

    deinit {
        if let temporaryName { unlinkat(directory.raw, temporaryName, 0) }
    }

    /// Appends all of `bytes`, whatever the number of writes it takes.
    mutating func append(_ bytes: [UInt8]) throws(SystemError) {
        guard let descriptor = file?.raw else { preconditionFailure("published already") }
        var offset = 0
        while offset < bytes.count {
            offset += try SystemError.check {
                bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: offset), $0.count - offset) }
            }
        }
    }

    /// Gives the file its path.
    ///
    /// There is no call that replaces a file by one without a name: it gets a hidden one first.
    mutating func publish() throws(SystemError) {
        let folder = directory.raw
        if temporaryName == nil, let descriptor = file?.raw {
            let hidden = Self.hiddenName()
            // The way that open(2) describes for O_TMPFILE: linkat with AT_EMPTY_PATH would take
            // a capability. https://man7.org/linux/man-pages/man2/open.2.html
            try SystemError.check {
                linkat(AT_FDCWD, Self.processPath(descriptor), folder, hidden, AT_SYMLINK_FOLLOW)
            }
            temporaryName = hidden
        }
        // What a file server, or a quota, did not take may show only here.
        try file.take()?.close()
        guard let temporaryName else { preconditionFailure("published already") }
        try SystemError.check { renameat(folder, temporaryName, folder, name) }
        self.temporaryName = nil
    }

    private static func checkReplaceable(_ name: String, in directory: Int32) throws(SystemError) {
        // `folder/`
        guard !name.isEmpty else { throw SystemError(code: EISDIR) }
        var status = stat()
        guard fstatat(directory, name, &status, 0) == 0 else {
            // Such as ENAMETOOLONG; ENOENT is what a dangling link says, too.
            let code = errno
            if code == ENOENT { return }
            throw SystemError(code: code)
        }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw SystemError(code: EISDIR)
        // To replace a device, of all things, would be possible.
        default: throw SystemError(code: ENOTSUP)
        }
    }

    /// Nil where files must have names, or could not be given one later: without /proc, say.
    private static func openUnnamed(in directory: Int32) -> Descriptor? {
        #if os(Linux)
        // O_TMPFILE, a macro that Swift does not import.
        let flags = 0o20_000_000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC
        guard let file = try? Descriptor({ openat(directory, ".", flags, 0o666) }),
            access(processPath(file.raw), F_OK) == 0
        else { return nil }
        return file
        #else
        return nil
        #endif
    }

    private static func processPath(_ descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

    private static func hiddenName() -> String {
        // Another prefix than the server's, which takes what is not locked for a leftover.
        ".saving-" + String(UInt128.random(in: .min ... .max), radix: 36)
    }
}
