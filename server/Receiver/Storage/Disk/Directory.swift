#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// An open directory. It stays the same directory if it is renamed. Every call blocks.
final class Directory: Sendable {
    private let descriptor: CInt

    /// Opens `path`, and makes it first, and the directories above it, where it is missing.
    init(creatingAt path: String) throws(SystemError) {
        try Self.create(path)
        descriptor = try retryingOnInterrupt { open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }

    deinit { close(descriptor) }

    private static func create(_ path: String) throws(SystemError) {
        if mkdir(path, 0o777) == 0 { return }
        let error = SystemError.last
        switch error.number {
        case EEXIST:
            return
        case ENOENT:
            let parent = path.split(separator: "/", omittingEmptySubsequences: true).dropLast().joined(separator: "/")
            guard !parent.isEmpty else { throw error }
            try create(path.hasPrefix("/") ? "/" + parent : parent)
            try retryingOnInterrupt { mkdir(path, 0o777) }
        default:
            throw error
        }
    }

    /// - Returns: an open descriptor, which the caller closes.
    func openFile(_ name: String, flags: CInt) throws(SystemError) -> CInt {
        try retryingOnInterrupt { openat(descriptor, name, flags | O_CLOEXEC, 0o666) }
    }

    /// Gives the file at `path`, which may lead through symbolic links, a name in this directory.
    ///
    /// - Throws: `EEXIST` when the name is taken; it never replaces a file.
    func makeLink(toPath path: String, as name: String) throws(SystemError) {
        try retryingOnInterrupt { linkat(AT_FDCWD, path, descriptor, name, AT_SYMLINK_FOLLOW) }
    }

    /// Gives a file of this directory a second name. Never replaces a file.
    func makeLink(to existing: String, as name: String) throws(SystemError) {
        try retryingOnInterrupt { linkat(descriptor, existing, descriptor, name, 0) }
    }

    /// What the file system says of `name`; of a symbolic link, not of what it leads to.
    ///
    /// - Returns: nil where nothing has that name.
    func status(of name: String) throws(SystemError) -> FileStatus? {
        var status = stat()
        do {
            try retryingOnInterrupt { fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) }
        } catch {
            guard error.isAboutTheName else { throw error }
            return nil
        }
        return FileStatus(status)
    }

    func contains(_ name: String) -> Bool { faccessat(descriptor, name, F_OK, 0) == 0 }

    func removeFile(_ name: String) throws(SystemError) {
        try retryingOnInterrupt { unlinkat(descriptor, name, 0) }
    }

    /// The names of what is in the directory, with a certain beginning.
    func names(startingWith prefix: String) throws(SystemError) -> [String] {
        // A descriptor of its own: closedir closes it, and reading moves its position.
        let copy = try openFile(".", flags: O_RDONLY | O_DIRECTORY)
        guard let stream = fdopendir(copy) else {
            let error = SystemError.last
            close(copy)
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
