/// Files without a name (`O_TMPFILE`, Linux 3.11): the kernel removes such a file with its last descriptor, unless
/// it has been given a name before. Every call blocks.
package enum UnnamedFile {
    /// Creates a file without a name, open for writing.
    ///
    /// - Throws: `ENOTSUP` or another error where the system or the file system has no such files.
    package static func open(in directory: Int32) throws(SystemError) -> Descriptor {
        #if os(Linux)
        // O_TMPFILE is a macro that Swift does not import.
        let flags = 0o20_000_000 | O_DIRECTORY | O_WRONLY | O_CLOEXEC
        return try Descriptor { openat(directory, ".", flags, 0o666) }
        #else
        throw SystemError(code: ENOTSUP)
        #endif
    }

    /// Creates a file without a name, open for reading and writing, which never gets a name.
    package static func openForReading(in directory: String) throws(SystemError) -> Descriptor {
        #if os(Linux)
        do throws(SystemError) {
            let flags = 0o20_000_000 | O_DIRECTORY | O_RDWR | O_EXCL | O_CLOEXEC
            return try Descriptor { openat(AT_FDCWD, directory, flags, 0o600) }
        } catch {
            // The file system has no such files.
            guard [EOPNOTSUPP, EISDIR, EINVAL].contains(error.code) else { throw error }
        }
        #endif
        let path = "\(directory)/\(randomName(prefix: "."))"
        let descriptor = try Descriptor { openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
        try SystemError.check { unlink(path) }
        return descriptor
    }

    /// Whether this process can give its files names: that takes /proc.
    package static func canBeNamed(_ file: borrowing Descriptor) -> Bool { access(path(of: file.raw), F_OK) == 0 }

    /// Gives the file a name. Never replaces another file.
    ///
    /// The way that open(2) describes for `O_TMPFILE`; linkat(2) with `AT_EMPTY_PATH` would take a capability.
    /// https://man7.org/linux/man-pages/man2/open.2.html
    ///
    /// - Throws: `EEXIST` if the name is taken.
    package static func link(_ file: Int32, in directory: Int32, as name: String) throws(SystemError) {
        try SystemError.check { linkat(AT_FDCWD, path(of: file), directory, name, AT_SYMLINK_FOLLOW) }
    }

    private static func path(of descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

    /// A hidden name that nobody can guess: `prefix` and 128 random bits.
    package static func randomName(prefix: String) -> String {
        prefix + String(UInt128.random(in: .min ... .max), radix: 36)
    }
}
