import Platform

/// An open directory. Renaming it does not change which directory this is. Every call blocks.
final class Directory: Sendable {
    let descriptor: Descriptor

    init(at path: String) throws(SystemError) { descriptor = try Self.open(path) }

    /// Opens `path`. Creates the directory, and its parents, if it does not exist.
    convenience init(creatingAt path: String, durability: Durability = .full) throws(SystemError) {
        try Self.create(path, durability)
        try self.init(at: path)
    }

    /// Creates a directory in `parent`. Its name is not on the disk yet.
    init(creating name: String, in parent: Directory) throws(SystemError) {
        try SystemError.check { mkdirat(parent.descriptor.raw, name, 0o777) }
        do {
            descriptor = try parent.openFile(name, flags: O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        } catch {
            try? parent.removeDirectory(name)
            throw error
        }
    }

    /// - Parameter descriptor: of a directory.
    init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }

    private static func open(_ path: String) throws(SystemError) -> Descriptor {
        try Descriptor { openDescriptor(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }

    private static func create(_ path: String, _ durability: Durability) throws(SystemError) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: true)
        let parent = (path.hasPrefix("/") ? "/" : "") + parts.dropLast().joined(separator: "/")
        if mkdir(path, 0o777) != 0 {
            let error = SystemError.last
            if error.code == EEXIST { return }
            guard error.code == ENOENT, parts.count > 1 else { throw error }
            try create(parent, durability)
            try SystemError.check { mkdir(path, 0o777) }
        }
        if durability == .full { try open(parent.isEmpty ? "." : parent).syncNames() }
    }

    /// Whether the directory has been removed since it was opened. Nothing can be created in it any more.
    var isRemoved: Bool {
        var status = stat()
        // A network file system may not know the directory any more (ESTALE).
        return fstat(descriptor.raw, &status) == 0 ? status.st_nlink == 0 : errno == ESTALE
    }

    func openFile(_ name: String, flags: CInt) throws(SystemError) -> Descriptor {
        try Descriptor { openat(descriptor.raw, name, flags | O_CLOEXEC, 0o666) }
    }

    /// Renames a file of this directory, or moves it to another directory of the file system. Never replaces a file.
    ///
    /// - Throws: `EEXIST` if the new name is taken.
    func move(_ name: String, to newName: String, in target: Directory) throws(SystemError) {
        do {
            try SystemError.check {
                csystemcalls_rename_exclusively(descriptor.raw, name, target.descriptor.raw, newName)
            }
        } catch {
            // NFS, for example, has hard links instead; FAT and exFAT have none.
            guard [EINVAL, ENOSYS, ENOTSUP].contains(error.code) else { throw error }
            try SystemError.check { linkat(descriptor.raw, name, target.descriptor.raw, newName, 0) }
            do throws(SystemError) {
                try removeFile(name)
            } catch {
                try? target.removeFile(newName)
                throw error
            }
        }
    }

    /// Exchanges the names of two files in one step.
    func exchange(_ name: String, with otherName: String, in target: Directory) throws(SystemError) {
        try SystemError.check {
            csystemcalls_rename_exchanging(descriptor.raw, name, target.descriptor.raw, otherName)
        }
    }

    /// Renames a file of this directory, in place of another one.
    func replace(_ otherName: String, in target: Directory, by name: String) throws(SystemError) {
        try SystemError.check { renameat(descriptor.raw, name, target.descriptor.raw, otherName) }
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

    /// Whether anything has that name, also a symbolic link that leads nowhere.
    func contains(_ name: String) -> Bool {
        var status = stat()
        return fstatat(descriptor.raw, name, &status, AT_SYMLINK_NOFOLLOW) == 0
    }

    /// Whether `name` is this directory.
    func isNamed(_ name: String, in parent: Directory) -> Bool {
        var (own, named) = (stat(), stat())
        return fstat(descriptor.raw, &own) == 0
            && fstatat(parent.descriptor.raw, name, &named, AT_SYMLINK_NOFOLLOW) == 0
            && own.st_dev == named.st_dev && own.st_ino == named.st_ino
    }

    func removeFile(_ name: String) throws(SystemError) {
        try SystemError.check { unlinkat(descriptor.raw, name, 0) }
    }

    /// - Throws: `ENOTEMPTY` if there are files in the directory of that name.
    func removeDirectory(_ name: String) throws(SystemError) {
        try SystemError.check { unlinkat(descriptor.raw, name, AT_REMOVEDIR) }
    }

    /// The names in the directory that begin with `prefix`.
    func names(startingWith prefix: String) throws(SystemError) -> [String] {
        let entries = try DirectoryEntries(of: self)
        var names: [String] = []
        while let entry = try entries.next() {
            if let name = entry.name, name.hasPrefix(prefix), name != ".", name != ".." { names.append(name) }
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

    /// How long ago the content or the name of a file, or the files of a folder, changed.
    static func secondsSinceChange(of descriptor: Int32) -> Int? {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        #if canImport(Darwin)
        return Timestamp.now.seconds - Int(status.st_ctimespec.tv_sec)
        #else
        return Timestamp.now.seconds - Int(status.st_ctim.tv_sec)
        #endif
    }

    func file(named name: String) -> StoredFile {
        let version = [Int(truncatingIfNeeded: inode), size, seconds, nanoseconds].map { String($0, radix: 36) }
        return StoredFile(name: name, size: size, modified: seconds, version: version.joined(separator: "-"))
    }
}
