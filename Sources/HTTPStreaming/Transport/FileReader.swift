#if canImport(Darwin)
internal import Darwin
#elseif canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

/// A regular file open for reading.
///
/// Reads are plain read(2) into the caller's buffer, which for a regular file never suspend: they
/// are done on the agent's thread.
final class FileReader {
    /// What tells that a file is no longer the one whose length was announced.
    struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
        let size: Int64
        let modifiedSeconds: Int
        let modifiedNanoseconds: Int
    }

    let path: String
    let identity: Identity
    private let descriptor: Int32

    /// - Throws: ``ClientError/Code/sourceUnreadable`` when the file is missing, may not be read
    ///   or is no regular file.
    init(path: String) throws(ClientError) {
        guard !path.utf8.contains(0) else { throw ClientError.unreadable(path, SystemError(code: EINVAL)) }
        // Without O_NONBLOCK, opening a pipe would wait for its writer.
        let descriptor = try Self.check(path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        do throws(ClientError) {
            identity = try Self.identity(of: descriptor, path: path)
        } catch {
            _ = close(descriptor)
            throw error
        }
        self.path = path
        self.descriptor = descriptor
        #if os(Linux)
        // The default window is 128 KiB; the buffers filled here are up to 2 MiB.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        #endif
    }

    deinit { _ = close(descriptor) }

    func seek(to offset: Int64) throws(ClientError) {
        guard lseek(descriptor, off_t(offset), SEEK_SET) >= 0 else {
            throw ClientError.unreadable(path, SystemError(code: errno))
        }
    }

    /// So many bytes, or fewer at the file's end. What ``fill(_:)`` reads next stays the same.
    func bytes(at offset: Int64, atMost count: Int) throws(ClientError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try Self.check(path) {
            bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
        }
        return Array(bytes.prefix(read))
    }

    /// Returns how many bytes were read; 0 at the end of the file only.
    func fill(_ buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> Int {
        try Self.check(path) { read(descriptor, buffer.baseAddress, buffer.count) }
    }

    /// - Throws: ``ClientError/Code/sourceChanged`` if the file was written to since it was opened.
    func checkUnchanged() throws(ClientError) {
        guard try Self.identity(of: descriptor, path: path) == identity else {
            throw ClientError(.sourceChanged, "\(path): the file was changed while it was being sent")
        }
    }

    private static func identity(of descriptor: Int32, path: String) throws(ClientError) -> Identity {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw ClientError.unreadable(path, SystemError(code: errno)) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw ClientError.unreadable(path, SystemError(code: EISDIR))
        default: throw ClientError(.sourceUnreadable, "\(path): not a regular file")
        }
        #if canImport(Darwin)
        let modified = status.st_mtimespec
        #else
        let modified = status.st_mtim
        #endif
        return Identity(
            device: UInt64(truncatingIfNeeded: status.st_dev),
            inode: UInt64(status.st_ino),
            size: Int64(status.st_size),
            modifiedSeconds: modified.tv_sec,
            modifiedNanoseconds: modified.tv_nsec
        )
    }

    private static func check<Result: SignedInteger>(
        _ path: String, _ call: () -> Result
    ) throws(ClientError) -> Result {
        do throws(SystemError) {
            return try SystemError.check(call)
        } catch {
            throw ClientError.unreadable(path, error)
        }
    }
}
