import NIOCore
import NIOPosix
import Platform

extension DirectoryStorage {
    /// The file that has this name now; nil if there is none.
    func file(_ name: FileName) async throws(StorageError) -> StoredFile? {
        try await threadPool.run("cannot read a file") { [folder] () throws(SystemError) in
            let directory = try folder.current().directory
            do throws(SystemError) {
                let status = try directory.folder(name.folders).status(of: name.numbered(0))
                return status.flatMap { $0.isRegular ? $0.file(named: name.path(name.numbered(0))) : nil }
            } catch {
                guard error.meansNoSuchFile else { throw error }
                return nil
            }
        }
    }

    public func open(_ name: String) async throws(StorageError) -> (any StoredFileReader)? {
        guard FileName.isPublic(name), keepsPaths || FileName.isComponent(name) else { return nil }
        let admission = try await readers.admit()
        return try await threadPool.run("cannot open a file") { [folder, threadPool] () throws(SystemError) in
            try OpenFile(name, in: folder.current().directory, threadPool, admission)
        }
    }
}

/// A regular file of a directory, open for reading.
private final class OpenFile: StoredFileReader {
    let file: StoredFile
    /// At the time of opening.
    private let status: FileStatus
    private let descriptor: Descriptor
    private let threadPool: NIOThreadPool
    private let admission: OpenFileLimit.Admission

    /// Blocks.
    ///
    /// - Returns: nil if no regular file has that name. A symbolic link is not a regular file.
    init?(
        _ name: String, in directory: Directory, _ threadPool: NIOThreadPool, _ admission: OpenFileLimit.Admission
    ) throws(SystemError) {
        do {
            let path = name.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }
            let folder = try directory.folder(path.dropLast())
            // O_NONBLOCK: opening a FIFO would wait for its other end.
            descriptor = try folder.openFile(path.last ?? "", flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        } catch {
            guard error.meansNoSuchFile else { throw error }
            return nil
        }
        status = try FileStatus(of: descriptor.raw)
        guard status.isRegular else { return nil }
        file = status.file(named: name)
        (self.threadPool, self.admission) = (threadPool, admission)
    }

    func read(at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer {
        let bytes = try await threadPool.run("cannot read a file") { () throws(SystemError) in
            try self.readBlocking(at: offset, count: count)
        }
        guard let bytes else { throw StorageError(.changed, "the file has changed while it was read") }
        return bytes
    }

    /// - Returns: nil if the file has changed since it was opened.
    private func readBlocking(at offset: Int, count: Int) throws(SystemError) -> ByteBuffer? {
        let raw = descriptor.raw
        var buffer = ByteBuffer()
        buffer.reserveCapacity(count)
        while buffer.readableBytes < count {
            let position = off_t(offset + buffer.readableBytes)
            let missing = count - buffer.readableBytes
            let read = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) {
                room throws(SystemError) in
                try SystemError.check { pread(raw, room.baseAddress, missing, position) }
            }
            // The file has become shorter.
            if read == 0 { return nil }
        }
        return try FileStatus(of: raw) == status ? buffer : nil
    }
}
