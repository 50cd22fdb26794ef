import NIOCore
import NIOPosix
import Platform

extension DirectoryStorage {
    /// The files of one request. Each keeps a descriptor open until the request ends.
    struct Transaction: StorageTransaction {
        private let directory: Directory
        private let kind: TemporaryFile.Kind
        private let threadPool: NIOThreadPool
        private let queue: WriteQueue
        private var files: [(name: FileName, file: TemporaryFile)] = []

        init(directory: Directory, kind: TemporaryFile.Kind, threadPool: NIOThreadPool, budget: BufferBudget) {
            self.directory = directory
            self.kind = kind
            self.threadPool = threadPool
            queue = WriteQueue(threadPool: threadPool, budget: budget)
        }

        mutating func beginFile(named filename: String) async throws(StorageError) {
            let file = try await threadPool.run("cannot create a file") { [directory, kind] () throws(SystemError) in
                try TemporaryFile(in: directory, kind: kind)
            }
            files.append((FileName(cleaning: filename), file))
        }

        mutating func write(_ pieces: [ByteBuffer]) async throws(StorageError) {
            guard let file = files.last?.file else { preconditionFailure("write before beginFile") }
            try await queue.append(pieces, to: file)
        }

        mutating func endFile() {}

        mutating func publish() async throws(StorageError) -> [String?] {
            try await queue.drain()
            let (directory, files) = (directory, files)
            let published = try await threadPool.run("cannot name a file") { () throws(SystemError) in
                defer { for (_, file) in files { file.close() } }
                return try Self.publish(files, in: directory)
            }
            self.files = []
            return published
        }

        mutating func abandon() async {
            guard !files.isEmpty else { return }
            await queue.cancel()
            // Not in the calling thread: freeing the blocks of a large file takes time. If the pool has been shut down,
            // the last reference closes the files.
            try? await threadPool.run("cannot close a file") { [files] in
                for (_, file) in files { file.close() }
            }
            files = []
        }

        /// Publishes all files or none: after the first failure the names that were already given are removed.
        static func publish(
            _ files: [(name: FileName, file: TemporaryFile)], in directory: Directory
        ) throws(SystemError) -> [String] {
            var published: [String] = []
            do throws(SystemError) {
                for (name, file) in files { published.append(try publish(file, as: name)) }
            } catch {
                for name in published { try? directory.removeFile(name) }
                throw error
            }
            return published
        }

        private static func publish(_ file: TemporaryFile, as name: FileName) throws(SystemError) -> String {
            var number = 0
            while true {
                let candidate = name.numbered(number)
                do {
                    try file.publish(as: candidate)
                    return candidate
                } catch {
                    guard error.code == EEXIST else { throw error }
                    number += 1
                }
            }
        }
    }
}
