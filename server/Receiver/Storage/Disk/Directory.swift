import Platform

/// An open directory. Renaming it does not change which directory this is. Every call blocks.
final class Directory: Sendable {
    let descriptor: Descriptor

    /// Opens `path`. Creates the directory, and its parents, if it does not exist.
    init(creatingAt path: String) throws(SystemError) {
        try Self.create(path)
        descriptor = try Descriptor { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }

    private static func create(_ path: String) throws(SystemError) {
        if mkdir(path, 0o777) == 0 { return }
        let error = SystemError.last
        switch error.code {
        case EEXIST:
            return
        case ENOENT:
            let parent = path.split(separator: "/", omittingEmptySubsequences: true).dropLast().joined(separator: "/")
            guard !parent.isEmpty else { throw error }
            try create(path.hasPrefix("/") ? "/" + parent : parent)
            try SystemError.check { mkdir(path, 0o777) }
        default:
            throw error
        }
    }

    func openFile(_ name: String, flags: CInt) throws(SystemError) -> Descriptor {
        try Descriptor { openat(descriptor.raw, name, flags | O_CLOEXEC, 0o666) }
    }

    /// Gives a file of this directory a second name. Never replaces a file.
    ///
    /// - Throws: `EEXIST` if the name is taken.
    func makeLink(to existing: String, as name: String) throws(SystemError) {
        try SystemError.check { linkat(descriptor.raw, existing, descriptor.raw, name, 0) }
    }

    /// Reads the status of `name`. Does not follow symbolic links.
    ///
    /// - Returns: nil if nothing has that name.
    func status(of name: String) throws(SystemError) -> FileStatus? {
        var status = stat()
        do {
            try SystemError.check { fstatat(descriptor.raw, name, &status, AT_SYMLINK_NOFOLLOW) }
        } catch {
            guard error.meansNoSuchFile else { throw error }
            return nil
        }
        return FileStatus(status)
    }

    func contains(_ name: String) -> Bool { faccessat(descriptor.raw, name, F_OK, 0) == 0 }

    func removeFile(_ name: String) throws(SystemError) {
        try SystemError.check { unlinkat(descriptor.raw, name, 0) }
    }

    /// The names in the directory that begin with `prefix`.
    func names(startingWith prefix: String) throws(SystemError) -> [String] {
        // A descriptor of its own: closedir(3) closes it, and reading moves its position.
        let copy = try SystemError.check { openat(descriptor.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
        guard let stream = fdopendir(copy) else {
            let error = SystemError.last
            _ = closeDescriptor(copy)
            throw error
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(cString: $0) }
            }
            if name.hasPrefix(prefix) { names.append(name) }
        }
        return names
    }
}

/// What distinguishes one content of a file from another, as far as the file system can tell.
struct FileStatus: Hashable, Sendable {
    let isRegular: Bool
    let size: Int
    private let inode: UInt64
    private let seconds: Int
    private let nanoseconds: Int

    init(_ status: stat) {
        isRegular = status.st_mode & S_IFMT == S_IFREG
        size = Int(status.st_size)
        inode = UInt64(status.st_ino)
        #if canImport(Darwin)
        let modified = status.st_mtimespec
        #else
        let modified = status.st_mtim
        #endif
        seconds = Int(modified.tv_sec)
        nanoseconds = Int(modified.tv_nsec)
    }

    init(of descriptor: CInt) throws(SystemError) {
        var status = stat()
        try SystemError.check { fstat(descriptor, &status) }
        self.init(status)
    }

    func file(named name: String) -> StoredFile {
        let version = [Int(truncatingIfNeeded: inode), size, seconds, nanoseconds].map { String($0, radix: 36) }
        return StoredFile(name: name, size: size, modified: seconds, version: version.joined(separator: "-"))
    }
}
