internal import Platform

/// Lists the regular files in a folder and its subfolders. Every call blocks.
struct FileTree {
    struct File {
        let path: Path
        /// The path relative to the root, with slashes.
        let relativePath: Path
    }

    /// Identifies a folder independently of its path, to detect loops of symbolic links.
    private struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64

        init(_ status: stat) {
            device = UInt64(truncatingIfNeeded: status.st_dev)
            inode = UInt64(status.st_ino)
        }
    }

    private let root: Path
    private let followsLinks: Bool
    /// Sorted by the bytes of their relative paths.
    private(set) var files: [File] = []

    init(root: Path, followsLinks: Bool) {
        self.root = root
        self.followsLinks = followsLinks
    }

    mutating func read() throws(ClientError) {
        files = []
        // A system call would use the path only up to the NUL.
        guard !root.bytes.contains(0) else { throw ClientError.unreadable(root.description, SystemError(code: EINVAL)) }
        try read(root, relativePath: Path(bytes: []), within: [Identity(try Self.status(of: root, followsLinks: true))])
        files.sort { $0.relativePath.bytes.lexicographicallyPrecedes($1.relativePath.bytes) }
    }

    private mutating func read(
        _ folder: Path, relativePath: Path, within ancestors: [Identity]
    ) throws(ClientError) {
        for (name, isFile) in try Self.entries(of: folder) {
            let path = folder.appending(name)
            let relativePath = relativePath.appending(name)
            if isFile {
                files.append(File(path: path, relativePath: relativePath))
                continue
            }
            let status = try Self.status(of: path, followsLinks: followsLinks)
            switch status.st_mode & S_IFMT {
            case S_IFREG:
                files.append(File(path: path, relativePath: relativePath))
            case S_IFDIR:
                let identity = Identity(status)
                guard !ancestors.contains(identity) else {
                    throw ClientError.unreadable(path.description, SystemError(code: ELOOP))
                }
                try read(path, relativePath: relativePath, within: ancestors + [identity])
            default:
                break
            }
        }
    }

    /// - Returns: the names in a folder, and whether they are known to be those of regular files.
    private static func entries(of folder: Path) throws(ClientError) -> [(name: Path, isFile: Bool)] {
        guard let stream = folder.withCString({ opendir($0) }) else {
            throw ClientError.unreadable(folder.description, .last)
        }
        defer { closedir(stream) }
        var entries: [(name: Path, isFile: Bool)] = []
        while true {
            // readdir(3) returns nil at the end and after an error; only an error sets errno.
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { Path(cString: $0) }
            }
            // Some file systems do not say what an entry is.
            if name != ".", name != ".." { entries.append((name, Int(entry.pointee.d_type) == Int(DT_REG))) }
        }
        guard errno == 0 else { throw ClientError.unreadable(folder.description, .last) }
        return entries
    }

    private static func status(of path: Path, followsLinks: Bool) throws(ClientError) -> stat {
        var status = stat()
        let code = path.withCString { followsLinks ? stat($0, &status) : lstat($0, &status) }
        guard code == 0 else { throw ClientError.unreadable(path.description, .last) }
        return status
    }
}
