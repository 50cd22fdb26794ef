internal import Platform

/// The regular files of a folder and of those below it. Every call blocks.
struct FileTree {
    struct File {
        let path: String
        /// From the root on, with slashes.
        let relativePath: String
    }

    /// What tells a folder, by whatever way one comes to it.
    private struct Identity: Hashable {
        let device: UInt64
        let inode: UInt64

        init(_ status: stat) {
            device = UInt64(truncatingIfNeeded: status.st_dev)
            inode = UInt64(status.st_ino)
        }
    }

    private let root: String
    private let followsLinks: Bool
    /// Sorted by the bytes of their relative paths, once they have been read.
    private(set) var files: [File] = []

    init(root: String, followsLinks: Bool) {
        self.root = root
        self.followsLinks = followsLinks
    }

    mutating func read() throws(ClientError) {
        files = []
        // The rest of it would be lost on the way to the system.
        guard !root.utf8.contains(0) else { throw ClientError.unreadable(root, SystemError(code: EINVAL)) }
        try read(root, relativePath: "", within: [Identity(try Self.status(of: root, followsLinks: true))])
        files.sort { $0.relativePath.utf8.lexicographicallyPrecedes($1.relativePath.utf8) }
    }

    private mutating func read(
        _ folder: String, relativePath: String, within ancestors: [Identity]
    ) throws(ClientError) {
        for name in try Self.names(in: folder) {
            let path = folder.hasSuffix("/") ? folder + name : "\(folder)/\(name)"
            let relativePath = relativePath.isEmpty ? name : "\(relativePath)/\(name)"
            let status = try Self.status(of: path, followsLinks: followsLinks)
            switch status.st_mode & S_IFMT {
            case S_IFREG:
                files.append(File(path: path, relativePath: relativePath))
            case S_IFDIR:
                let identity = Identity(status)
                guard !ancestors.contains(identity) else {
                    throw ClientError.unreadable(path, SystemError(code: ELOOP))
                }
                try read(path, relativePath: relativePath, within: ancestors + [identity])
            default:
                break
            }
        }
    }

    private static func names(in folder: String) throws(ClientError) -> [String] {
        guard let stream = opendir(folder) else { throw ClientError.unreadable(folder, SystemError(code: errno)) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            // At the end, too, it returns nil, but leaves errno as it was.
            errno = 0
            guard let entry = readdir(stream) else { break }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(validatingCString: $0) }
            }
            guard let name else {
                throw ClientError(.sourceUnreadable, "\(folder): holds a name that is not UTF-8")
            }
            if name != ".", name != ".." { names.append(name) }
        }
        guard errno == 0 else { throw ClientError.unreadable(folder, SystemError(code: errno)) }
        return names
    }

    private static func status(of path: String, followsLinks: Bool) throws(ClientError) -> stat {
        var status = stat()
        let code = followsLinks ? stat(path, &status) : lstat(path, &status)
        guard code == 0 else { throw ClientError.unreadable(path, SystemError(code: errno)) }
        return status
    }
}
