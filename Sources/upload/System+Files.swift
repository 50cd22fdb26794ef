import HTTPStreaming

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What ``UploadRecord`` needs of the file system.
extension System {
    /// What changes when a file is written to or replaced; nil if it cannot be examined.
    static func identity(of path: Path) -> String? {
        var status = stat()
        guard path.withCString({ stat($0, &status) }) == 0 else { return nil }
        #if canImport(Darwin)
        let time = status.st_mtimespec
        #else
        let time = status.st_mtim
        #endif
        return "\(status.st_size) \(time.tv_sec).\(time.tv_nsec) \(status.st_dev) \(status.st_ino)"
    }

    /// The working directory; nil if it has been removed.
    static var workingDirectory: Path? {
        guard let text = getcwd(nil, 0) else { return nil }
        defer { free(text) }
        return Path(cString: text)
    }

    /// Creates a folder and those above it, for the user only.
    ///
    /// - Returns: why that failed; nil if the folder exists now.
    static func makeFolders(_ path: Path) -> SystemError? {
        let slash = UInt8(ascii: "/")
        for end in path.bytes.indices.dropFirst() where path.bytes[end] == slash || end == path.bytes.count - 1 {
            let folder = Path(bytes: path.bytes[end] == slash ? path.bytes[..<end] : path.bytes[...end])
            guard folder.withCString({ mkdir($0, 0o700) }) == 0 || errno == EEXIST else {
                return SystemError(code: errno)
            }
        }
        return kind(of: path) == .folder ? nil : SystemError(code: ENOTDIR)
    }

    /// Creates a file and locks it until the process ends.
    ///
    /// - Returns: false if another process has locked it.
    static func lock(_ path: Path) -> Bool {
        let descriptor = path.withCString { open($0, O_CREAT | O_RDWR | O_CLOEXEC, 0o600) }
        return descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0
    }

    /// Gives a file this content in one step.
    static func replace(_ path: Path, with content: [UInt8]) -> Bool {
        let new = Path(bytes: path.bytes + ".new".utf8)
        let descriptor = new.withCString { open($0, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0o600) }
        guard descriptor >= 0 else { return false }
        let count = content.withUnsafeBytes { systemWrite(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
        guard count == content.count else { return false }
        return new.withCString { new in path.withCString { rename(new, $0) } } == 0
    }

    /// The names in a folder, except `.` and `..`; none if it cannot be read.
    static func names(in folder: Path) -> [Path] {
        guard let stream = folder.withCString({ opendir($0) }) else { return [] }
        defer { closedir(stream) }
        var names: [Path] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 1) { Path(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// Removes a file or an empty folder.
    static func remove(_ path: Path) { _ = path.withCString { systemRemove($0) } }
}

private func systemRemove(_ path: UnsafePointer<CChar>) -> Int32 { remove(path) }
