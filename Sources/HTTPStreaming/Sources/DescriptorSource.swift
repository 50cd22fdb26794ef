internal import Platform

/// A pipe, socket or device. It can be read only once, as its bytes arrive.
final class DescriptorSource: Source {
    let name: String
    let length: Int64?
    fileprivate let once: ReadOnce
    fileprivate let descriptor: Descriptor
    fileprivate let isSocket: Bool

    private init(_ descriptor: consuming Descriptor, name: String, length: Int64?, once: ReadOnce, isSocket: Bool) {
        self.descriptor = descriptor
        self.name = name
        self.length = length
        self.once = once
        self.isSocket = isSocket
    }

    /// Opens a file, or a pipe or device, which stays open until it is read. Blocks, but not until a pipe has a writer.
    ///
    /// - Returns: for a file, a ``FileSource``.
    static func prepare(
        _ path: Path, range: Range<Int64>?, changes: Content.FileChanges, _ once: ReadOnce, _ preparation: Preparation
    ) throws(ClientError) -> any Source {
        let name = path.description
        let own = try OpenFile.open(path)
        let kind = try Self.kind(of: own, name)
        if isFile(kind) {
            let file = try OpenFile(owning: own.release(), name: name)
            return try FileSource(file, path: path, range: range, changes: changes, preparation)
        }
        guard range == nil else {
            throw ClientError(.sourceUnreadable, "\(name): not a regular file, so no range of it can be sent")
        }
        try preparation.claim(once, name)
        return preparation.keeping(
            DescriptorSource(own, name: name, length: nil, once: once, isSocket: kind == S_IFSOCK))
    }

    /// - Parameters:
    ///   - descriptor: is duplicated, so the caller may close it.
    ///   - length: the number of bytes to send; nil for all up to the end.
    /// - Returns: for a file, a ``FileSource`` that starts at the file's current position.
    static func prepare(
        _ descriptor: Int32, length: Int64?, _ once: ReadOnce, name: String, _ preparation: Preparation
    ) throws(ClientError) -> any Source {
        try preparation.check(length, name)
        let own = Descriptor(owning: try ClientError.check(name) { fcntl(descriptor, F_DUPFD_CLOEXEC, 0) })
        // poll(2) would never report a write-only descriptor as readable.
        guard fcntl(own.raw, F_GETFL) & O_ACCMODE != O_WRONLY else {
            throw ClientError(.sourceUnreadable, "\(name): the descriptor is open for writing only")
        }
        let kind = try Self.kind(of: own, name)
        guard isFile(kind) else {
            try preparation.claim(once, name)
            return preparation.keeping(
                DescriptorSource(own, name: name, length: length, once: once, isSocket: kind == S_IFSOCK))
        }
        let file = try OpenFile(owning: own.release(), name: name)
        let start = min(max(0, file.position), file.size ?? .max)
        let left = file.size.map { $0 - start }
        if let left, length ?? 0 > left {
            throw ClientError(.sourceUnreadable, "\(name): has \(left) bytes, fewer than the length \(length ?? 0)")
        }
        return try FileSource(
            file, path: nil, from: start, length: length ?? left, changes: .unchanged, preparation)
    }

    private static func kind(of descriptor: borrowing Descriptor, _ name: String) throws(ClientError) -> mode_t {
        var status = stat()
        guard fstat(descriptor.raw, &status) == 0 else { throw ClientError.unreadable(name, .last) }
        return status.st_mode & S_IFMT
    }

    /// The length of the regular file with a path; nil if there is none. Blocks for as long as the file system takes.
    static func length(of path: Path) -> Int64? {
        var status = stat()
        guard !path.bytes.contains(0), path.withCString({ stat($0, &status) }) == 0, status.st_mode & S_IFMT == S_IFREG
        else { return nil }
        return Int64(status.st_size)
    }

    /// The length of the regular file behind a descriptor, from its position on; nil if it is no file.
    static func length(of descriptor: Int32) -> Int64? {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        return max(0, Int64(status.st_size) - max(0, Int64(lseek(descriptor, 0, SEEK_CUR))))
    }

    /// Whether it is read at offsets, by ``FileSource``, which refuses folders.
    private static func isFile(_ kind: mode_t) -> Bool { [S_IFREG, S_IFBLK, S_IFDIR].contains(kind) }

    var footprint: Int { 0 }
    var isRepeatable: Bool { false }
    var obstacle: String? { once.obstacle(name) }

    func reader(at offset: Int64, _ context: ReadContext) throws(ClientError) -> any SourceReader {
        guard offset == 0 ? !once.isBegun : offset == once.offset else { throw ClientError.notRepeatable(name) }
        return DescriptorReader(self, at: offset)
    }
}

private final class DescriptorReader: SourceReader {
    private let source: DescriptorSource
    private(set) var bytesRead: Int64
    private(set) var awaitedDescriptor: Int32?
    private var hasBegun: Bool
    private var hasEnded = false

    /// - Parameter offset: greater than 0 to continue where another reader has stopped.
    init(_ source: DescriptorSource, at offset: Int64) {
        self.source = source
        bytesRead = offset
        hasBegun = offset > 0
    }

    var isAtEnd: Bool { hasEnded || bytesRead == source.length }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> ReadOutcome {
        awaitedDescriptor = nil
        guard !isAtEnd else { return .end }
        let left = source.length.map { $0 - bytesRead } ?? .max
        let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), left))])
        guard try isReadable() else { return wait() }
        // Only now: a source that has not been read yet can still be sent again.
        if !hasBegun { try source.once.begin(source.name) }
        hasBegun = true
        guard let count = try readReadable(into: room) else { return wait() }
        if count > 0 {
            bytesRead += Int64(count)
            source.once.advance(to: bytesRead)
            return .bytes(count)
        }
        hasEnded = true
        guard let length = source.length else { return .end }
        throw ClientError(.sourceChanged, "\(source.name): the source ended after \(bytesRead) of \(length) bytes")
    }

    private func wait() -> ReadOutcome {
        awaitedDescriptor = source.descriptor.raw
        return .waiting
    }

    /// Whether a read would not block, because bytes or the end have arrived.
    private func isReadable() throws(ClientError) -> Bool {
        var entry = pollfd(fd: source.descriptor.raw, events: Int16(POLLIN), revents: 0)
        return try ClientError.check(source.name) { poll(&entry, 1, 0) } > 0
    }

    /// Reads bytes after poll(2) reported some. Returns 0 at the end, nil if nothing can be read.
    ///
    /// O_NONBLOCK is not set: other processes may share the open file, and it would apply to them. The read can block
    /// only if another process has read the bytes since poll(2).
    private func readReadable(into room: UnsafeMutableRawBufferPointer) throws(ClientError) -> Int? {
        let raw = source.descriptor.raw
        do throws(SystemError) {
            return try SystemError.check {
                source.isSocket
                    ? recv(raw, room.baseAddress, room.count, csystemcalls_msg_dontwait) : readDescriptor(raw, room)
            }
        } catch {
            guard error.code == EAGAIN || error.code == EWOULDBLOCK else {
                throw ClientError.unreadable(source.name, error)
            }
            return nil
        }
    }
}
