#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// What the file system says of a file, as far as it tells one content from another.
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

    func file(named name: String) -> StoredFile {
        let version = [Int(truncatingIfNeeded: inode), size, seconds, nanoseconds].map { String($0, radix: 36) }
        return StoredFile(name: name, size: size, modified: seconds, version: version.joined(separator: "-"))
    }
}
