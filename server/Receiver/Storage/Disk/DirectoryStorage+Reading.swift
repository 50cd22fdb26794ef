import NIOCore
import NIOPosix
import Platform

extension DirectoryStorage {
    public func files() async throws(StorageError) -> [StoredFile] {
        try await threadPool.run("cannot list the files") { [directory] () throws(SystemError) in
            var files: [StoredFile] = []
            for name in try directory.names(startingWith: "") where FileName.isPublic(name) {
                // Nil if the file has been removed since.
                guard let status = try directory.status(of: name), status.isRegular else { continue }
                files.append(status.file(named: name))
            }
            return files
        }
    }

    public func open(_ name: String) async throws(StorageError) -> (any StoredFileReader)? {
        guard FileName.isPublic(name) else { return nil }
        return try await threadPool.run("cannot open a file") { [directory, threadPool] () throws(SystemError) in
            try OpenFile(name, in: directory, threadPool)
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

    /// Blocks.
    ///
    /// - Returns: nil if no regular file has that name. A symbolic link is not a regular file.
    init?(_ name: String, in directory: Directory, _ threadPool: NIOThreadPool) throws(SystemError) {
        do {
            // O_NONBLOCK: opening a FIFO would wait for its other end.
            descriptor = try directory.openFile(name, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        } catch {
            guard error.meansNoSuchFile else { throw error }
            return nil
        }
        status = try FileStatus(of: descriptor.raw)
        guard status.isRegular else { return nil }
        file = status.file(named: name)
        self.threadPool = threadPool
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
