internal import Platform
internal import Synchronization

/// A regular file or a block device, open for reading at any offset, by any thread.
final class OpenFile: Sendable {
    /// Identifies a version of a file, to detect changes after its length was announced.
    struct Identity: Hashable, Sendable {
        let device: UInt64
        let inode: UInt64
        let size: Int64
        let modifiedSeconds: Int
        let modifiedNanoseconds: Int

        /// Whether both are versions of one file.
        func isSameFile(as other: Identity) -> Bool { device == other.device && inode == other.inode }
    }

    /// The name in errors: the path, or the name of the content.
    let name: String
    let identity: Identity
    /// The number of bytes; nil if it is unknown before they are read: stat(2) gives the size of a block device, and of
    /// many files that are made when they are read (/proc, FUSE), as 0.
    let size: Int64?
    private let descriptor: Int32
    /// How it is read without waiting; nil if that is not possible.
    private let reads: CachedFiles.Reads?
    /// Whether bytes were read from a file system where closing may block.
    private let mayWait = Atomic<Bool>(false)

    /// Opens a file. Blocks.
    ///
    /// - Throws: ``ClientError/Code/sourceUnreadable`` if the file is missing, not readable or not a regular file.
    convenience init(path: Path) throws(ClientError) {
        try self.init(owning: try Self.open(path).release(), name: path.description)
    }

    /// Opens anything for reading. Blocks for as long as the file system takes, but not until a pipe has a writer.
    static func open(_ path: Path) throws(ClientError) -> Descriptor {
        guard !path.bytes.contains(0) else {
            throw ClientError.unreadable(path.description, SystemError(code: EINVAL))
        }
        return Descriptor(
            owning: try ClientError.check(path.description) {
                path.withCString { openDescriptor($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) }
            })
    }

    /// - Parameter descriptor: is closed with this object, or if this initializer throws.
    init(owning descriptor: Int32, name: String) throws(ClientError) {
        do throws(ClientError) {
            let first = try Self.status(of: descriptor, name: name)
            let hasBytesDespiteSize = first.st_size == 0 ? try Self.hasBytes(descriptor, name: name) : false
            // Again, since an empty file may have been written to meanwhile.
            identity = Identity(hasBytesDespiteSize ? try Self.status(of: descriptor, name: name) : first)
            size = hasBytesDespiteSize && identity.size == 0 ? nil : identity.size
            // The device of a block device is that of its path.
            let isRegular = first.st_mode & S_IFMT == S_IFREG
            reads = isRegular ? CachedFiles.reads(of: descriptor, device: identity.device) : .nowait
        } catch {
            _ = close(descriptor)
            throw error
        }
        self.name = name
        self.descriptor = descriptor
        #if os(Linux)
        // Doubles the read-ahead, 128 KiB by default: the buffers filled here are up to 2 MiB.
        _ = posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL)
        #endif
    }

    /// Never blocks, since it may run on the agent's thread.
    deinit {
        guard mayWait.load(ordering: .relaxed) else {
            _ = close(descriptor)
            return
        }
        BlockingPool.shared.run { [descriptor] in _ = close(descriptor) }
    }

    /// The descriptor's current position in the file; negative if it is unknown.
    var position: Int64 { Int64(lseek(descriptor, 0, SEEK_CUR)) }

    /// Reads `count` bytes, fewer at the end of the file. Blocks.
    func bytes(at offset: Int64, atMost count: Int) throws(ClientError) -> [UInt8] {
        noteRead()
        var result = Result<Int, ClientError>.success(0)
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, read in
            result = Result { () throws(ClientError) in
                try ClientError.check(name) { pread(descriptor, buffer.baseAddress, count, off_t(offset)) }
            }
            read = (try? result.get()) ?? 0
        }
        _ = try result.get()
        return bytes
    }

    /// Returns the number of bytes read, 0 only at the end of the file; nil if reading would have to wait for a disk,
    /// or if that is unknown.
    func readCached(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(ClientError) -> Int? {
        #if os(Linux)
        noteRead()
        do throws(SystemError) {
            return switch reads {
            case .nowait:
                try SystemError.check {
                    csystemcalls_pread_nowait(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
                }
            case .always:
                try SystemError.check { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
            case nil: nil
            }
        } catch {
            guard [EAGAIN, EOPNOTSUPP, ENOSYS].contains(error.code) else { throw ClientError.unreadable(name, error) }
            return nil
        }
        #else
        // This system has no such call; usually the kernel has read the bytes ahead.
        return try ClientError.check(name) { pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset)) }
        #endif
    }

    private func noteRead() {
        #if os(Linux)
        if reads == nil { mayWait.store(true, ordering: .relaxed) }
        #endif
    }

    /// - Throws: ``ClientError/Code/sourceChanged`` if the file has been written to since it was opened.
    func checkUnchanged() throws(ClientError) {
        guard try isUnchanged() else {
            throw ClientError(.sourceChanged, "\(name): the file was changed while it was being sent")
        }
    }

    /// Whether the file has not been written to since it was opened.
    func isUnchanged() throws(ClientError) -> Bool {
        try Identity(Self.status(of: descriptor, name: name)) == identity
    }

    private static func hasBytes(_ descriptor: Int32, name: String) throws(ClientError) -> Bool {
        var byte: UInt8 = 0
        return try ClientError.check(name) { pread(descriptor, &byte, 1, 0) } > 0
    }

    private static func status(of descriptor: Int32, name: String) throws(ClientError) -> stat {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw ClientError.unreadable(name, SystemError(code: errno)) }
        switch status.st_mode & S_IFMT {
        case S_IFREG, S_IFBLK: break
        case S_IFDIR: throw ClientError.unreadable(name, SystemError(code: EISDIR))
        default: throw ClientError(.sourceUnreadable, "\(name): not a regular file")
        }
        return status
    }
}

extension OpenFile.Identity {
    fileprivate init(_ status: stat) {
        #if canImport(Darwin)
        let modified = status.st_mtimespec
        #else
        let modified = status.st_mtim
        #endif
        device = UInt64(truncatingIfNeeded: status.st_dev)
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        modifiedSeconds = modified.tv_sec
        modifiedNanoseconds = modified.tv_nsec
    }
}
