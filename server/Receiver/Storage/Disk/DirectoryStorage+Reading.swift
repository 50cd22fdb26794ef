import NIOCore
import NIOPosix

extension DirectoryStorage {
    public func files() async throws(StorageError) -> [StoredFile] {
        try await threadPool.run("cannot list the files") { [directory] () throws(SystemError) in
            var files: [StoredFile] = []
            for name in try directory.names(startingWith: "") where FileName.isPublic(name) {
                // Nil where it has been removed since.
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
