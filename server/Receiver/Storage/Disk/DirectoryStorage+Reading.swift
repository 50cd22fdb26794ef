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
        let opened = try await threadPool.run("cannot open a file") { [directory] () throws(SystemError) in
            try OpenFile(name, in: directory)
        }
        return opened.map { Reader(file: $0.status.file(named: name), opened: $0, threadPool: threadPool) }
    }

    private struct Reader: StoredFileReader {
        let file: StoredFile
        let opened: OpenFile
        let threadPool: NIOThreadPool

        func read(at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer {
            let bytes = try await threadPool.run("cannot read a file") { [opened] () throws(SystemError) in
                try opened.read(at: offset, count: count)
            }
            guard let bytes else { throw StorageError(.changed, "the file has changed while it was read") }
            return bytes
        }
    }
}

/// A regular file of a directory, open for reading. Every call blocks.
final class OpenFile: Sendable {
    /// At the time of opening.
    let status: FileStatus
    private let descriptor: Descriptor

    /// - Returns: nil if no regular file has that name. A symbolic link is not a regular file.
    init?(_ name: String, in directory: Directory) throws(SystemError) {
        do {
            // O_NONBLOCK: opening a FIFO would wait for its other end.
            descriptor = try directory.openFile(name, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        } catch {
            guard error.meansNoSuchFile else { throw error }
            return nil
        }
        status = try FileStatus(of: descriptor.raw)
        guard status.isRegular else { return nil }
    }

    /// - Returns: nil if the file has changed since it was opened.
    func read(at offset: Int, count: Int) throws(SystemError) -> ByteBuffer? {
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
