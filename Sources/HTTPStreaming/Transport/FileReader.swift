internal import Platform
internal import Synchronization

/// A regular file open for reading, at any offset, by any thread.
final class FileReader: Sendable {
    /// What tells that a file is no longer the one whose length was announced.
    struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
        let size: Int64
        let modifiedSeconds: Int
        let modifiedNanoseconds: Int
    }

    /// What errors call it: a path, or what there is instead.
    let name: String
    let identity: Identity
    private let descriptor: Int32
    /// Whether the file system cannot tell if a read would wait: one that may wait when it closes, too.
    private let mayWait = Atomic<Bool>(false)

    /// Opens a file; blocks for as long as the file system takes.
    ///
    /// - Throws: ``ClientError/Code/sourceUnreadable`` when the file is missing, may not be read
    ///   or is no regular file.
    convenience init(path: String) throws(ClientError) {
        guard !path.utf8.contains(0) else { throw ClientError.unreadable(path, SystemError(code: EINVAL)) }
        // Without O_NONBLOCK, opening a pipe would wait for its writer.
        try self.init(owning: try Self.check(path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }, name: path)
    }

    /// - Parameter descriptor: closed with this object, or when this fails.
    init(owning descriptor: Int32, name: String) throws(ClientError) {
        do throws(ClientError) {
            identity = try Self.identity(of: descriptor, name: name)
        } catch {
            _ = close(descriptor)
            throw error
        }
        self.name = name
        self.descriptor = descriptor
        #if os(Linux)
        // The default window is 128 KiB; the buffers filled here are up to 2 MiB.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        #endif
    }

    /// Perhaps in the agent's turn.
    deinit {
        guard mayWait.load(ordering: .relaxed) else {
            _ = close(descriptor)
            return
        }
        BlockingPool.shared.run { [descriptor] in _ = close(descriptor) }
    }

    /// So many bytes, or fewer at the file's end.
    func bytes(at offset: Int64, atMost count: Int) throws(ClientError) -> [UInt8] {
        guard count > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try Self.check(name) {
            bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
        }
        return Array(bytes.prefix(read))
    }

    /// Returns how many bytes were read; 0 at the end of the file only. Blocks until the disk has
    /// them.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ClientError) -> Int {
        try Self.check(name) { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// The same, or nil where it would have to wait for a disk, or cannot tell.
    func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ClientError) -> Int? {
        #if os(Linux)
        do throws(SystemError) {
            return try SystemError.check {
                csystemcalls_pread_nowait(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            }
        } catch {
            guard [EAGAIN, EOPNOTSUPP, ENOSYS].contains(error.code) else { throw ClientError.unreadable(name, error) }
            if error.code != EAGAIN { mayWait.store(true, ordering: .relaxed) }
            return nil
        }
        #else
        // Nothing tells there; what has been read ahead is there most of the time.
        return try read(into: buffer, at: offset)
        #endif
    }

    /// - Throws: ``ClientError/Code/sourceChanged`` if the file was written to since it was opened.
    func checkUnchanged() throws(ClientError) {
        guard try Self.identity(of: descriptor, name: name) == identity else {
            throw ClientError(.sourceChanged, "\(name): the file was changed while it was being sent")
        }
    }

    private static func identity(of descriptor: Int32, name: String) throws(ClientError) -> Identity {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw ClientError.unreadable(name, SystemError(code: errno)) }
        switch status.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw ClientError.unreadable(name, SystemError(code: EISDIR))
        default: throw ClientError(.sourceUnreadable, "\(name): not a regular file")
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
        _ name: String, _ call: () -> Result
    ) throws(ClientError) -> Result {
        do throws(SystemError) {
            return try SystemError.check(call)
        } catch {
            throw ClientError.unreadable(name, error)
        }
    }
}
