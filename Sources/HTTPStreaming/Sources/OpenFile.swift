internal import Platform
internal import Synchronization

/// A regular file open for reading, at any offset, by any thread.
final class OpenFile: Sendable {
    /// Tells whether a file is still the one whose length was announced.
    struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
        let size: Int64
        let modifiedSeconds: Int
        let modifiedNanoseconds: Int
    }

    /// How errors call it: the path, or the name of the content.
    let name: String
    let identity: Identity
    private let descriptor: Int32
    /// Whether the file system cannot tell if a read would wait. Closing may wait then, too.
    private let mayWait = Atomic<Bool>(false)

    /// Opens a file; blocks for as long as the file system takes.
    ///
    /// - Throws: ``ClientError/Code/sourceUnreadable`` when the file is missing, may not be read
    ///   or is no regular file.
    convenience init(path: Path) throws(ClientError) {
        let name = path.description
        guard !path.bytes.contains(0) else { throw ClientError.unreadable(name, SystemError(code: EINVAL)) }
        // Without O_NONBLOCK, opening a pipe would wait for its writer.
        let descriptor = try Self.check(name) {
            path.withCString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
        }
        try self.init(owning: descriptor, name: name)
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
        // The default read-ahead is 128 KiB; the buffers filled here are up to 2 MiB.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        #endif
    }

    /// May run in the agent's turn.
    deinit {
        guard mayWait.load(ordering: .relaxed) else {
            _ = close(descriptor)
            return
        }
        BlockingPool.shared.run { [descriptor] in _ = close(descriptor) }
    }

    /// Where the next read(2) of the descriptor would begin; below zero if that cannot be told.
    var position: Int64 { Int64(lseek(descriptor, 0, SEEK_CUR)) }

    /// Up to `count` bytes, fewer at the end of the file. Blocks.
    func bytes(at offset: Int64, atMost count: Int) throws(ClientError) -> [UInt8] {
        guard count > 0 else { return [] }
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try Self.check(name) {
            bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(offset)) }
        }
        return Array(bytes.prefix(read))
    }

    /// Returns how many bytes were read; 0 only at the end of the file. Blocks until the disk has
    /// delivered them.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ClientError) -> Int {
        try Self.check(name) { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
    }

    /// As ``read(into:at:)``, but never waits for a disk: nil where it would have to, or cannot tell.
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
        // This system cannot tell; mostly the bytes have been read ahead.
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
