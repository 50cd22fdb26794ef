import Platform

/// Reads the entries of a directory, in any order.
struct DirectoryEntries: ~Copyable {
    struct Entry {
        /// Nil if it is not UTF-8.
        let name: String?
        /// Whether the entry is a regular file, as far as the file system tells without reading its status.
        let mayBeRegular: Bool
        let mayBeFolder: Bool
    }

    private let stream: OpaquePointer

    init(of directory: Directory) throws(SystemError) {
        // A descriptor of its own: closedir(3) closes it, and reading moves its position.
        let copy = try SystemError.check {
            openat(directory.descriptor.raw, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        }
        guard let stream = fdopendir(copy) else {
            let error = SystemError.last
            _ = closeDescriptor(copy)
            throw error
        }
        self.stream = stream
    }

    deinit { closedir(stream) }

    /// - Returns: nil at the end.
    func next() throws(SystemError) -> Entry? {
        // readdir(3) returns null at the end and for errors.
        errno = 0
        guard let entry = readdir(stream) else {
            if errno != 0 { throw SystemError.last }
            return nil
        }
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 1) { String(validatingCString: $0) }
        }
        let type = Int32(entry.pointee.d_type)
        return Entry(
            name: name, mayBeRegular: type == DT_REG || type == DT_UNKNOWN,
            mayBeFolder: type == DT_DIR || type == DT_UNKNOWN)
    }
}
