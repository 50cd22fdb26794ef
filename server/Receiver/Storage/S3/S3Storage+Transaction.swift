import Synchronization
import NIOCore
import Platform

extension S3Storage {
    /// The files of one request.
    struct Transaction: StorageTransaction {
        private let storage: S3Storage
        private var files: [S3File] = []
        private var names: [FileName] = []
        /// Of the first file.
        private var naming = Naming()
        /// What has the key of the first file: see ``Naming/condition``.
        private var condition = S3WriteCondition.isNew
        private var published: [PublishedFile] = []

        init(_ storage: S3Storage) { self.storage = storage }

        mutating func beginFile(
            named filename: String, contentType: String?, _ naming: Naming
        ) async throws(StorageError) {
            // Only a single file waits to be sent by one request.
            if files.count == 1, files[0].isWaiting { try await files[0].sendLast() }
            let name = FileName(cleaning: filename, keepsFolders: storage.keepsPaths)
            guard name.folders.count <= FileName.maximumFolders else {
                throw StorageError(.invalidName, "the filename has more than \(FileName.maximumFolders) folders")
            }
            let key: String
            if files.isEmpty {
                let replaces = naming.replaces && name.isExact(for: filename)
                self.naming = Naming(replaces: replaces, condition: naming.condition)
                condition = try await storage.condition(of: name, self.naming)
                key = replaces ? storage.key(name, 0) : try await storage.reserve(name)
            } else {
                key = try await storage.reserve(name)
            }
            names.append(name)
            files.append(S3File(key, contentType: contentType, storage.client, storage.spools))
        }

        mutating func write(_ pieces: [ByteBuffer]) async throws(StorageError) {
            try await files.last?.write(pieces)
        }

        mutating func endFile() async throws(StorageError) {
            guard let file = files.last else { preconditionFailure("no file has begun") }
            if files.count == 1, file.isWaiting {
                try await file.finishWaiting()
            } else {
                try await file.sendLast()
            }
        }

        mutating func publish() async throws(StorageError) -> [PublishedFile?] {
            guard !files.isEmpty else { return [] }
            if files.count == 1, files[0].isWaiting {
                published = [try await put()]
            } else {
                // First all parts of all files, whatever may be refused; then the names.
                var parts: [[S3Part]] = []
                for file in files { parts.append(try await file.finishParts()) }
                for (index, file) in files.enumerated() {
                    published.append(try await complete(file, parts[index]))
                }
            }
            defer { end() }
            return published
        }

        mutating func abandon() async {
            for file in files { await file.abandon() }
            // Not in this task, whose requests end at once if it is cancelled.
            if !naming.replaces {
                let keys = published.map { storage.client.location.prefix + $0.name }
                await Task { [client = storage.client] in
                    for key in keys { try? await client.delete(key) }
                }.value
            }
            end()
        }

        private mutating func end() {
            storage.release(files.map(\.key))
            (files, names, published) = ([], [], [])
        }

        /// Sends the only file with one request.
        private mutating func put() async throws(StorageError) -> PublishedFile {
            let file = files[0]
            var key = file.key
            while true {
                do throws(S3Error) {
                    return storage.published(key, tag: try await file.put(as: key, condition), condition)
                } catch {
                    // The name has been taken by another server: the file gets the next one.
                    guard error.isConflict, naming.condition == nil, !naming.replaces else {
                        throw error.storageError
                    }
                }
                storage.release([key])
                key = try await storage.reserve(names[0])
            }
        }

        private func complete(_ file: S3File, _ parts: [S3Part]) async throws(StorageError) -> PublishedFile {
            let condition = files.count == 1 ? condition : .isNew
            do throws(S3Error) {
                let tag = try await file.complete(parts, condition)
                return storage.published(file.key, tag: tag, condition)
            } catch {
                // The parts of a multipart upload cannot get another name.
                if error.isConflict, naming.condition == nil {
                    throw StorageError(
                        .conflict, "another request has stored a file of this name at the same time: send it again")
                }
                throw error.storageError
            }
        }
    }

    public func begin() -> any StorageTransaction { Transaction(self) }

    fileprivate func published(_ key: String, tag: String, _ condition: S3WriteCondition) -> PublishedFile {
        let isReplacement = if case .matches = condition { true } else { false }
        return PublishedFile(
            name: String(key.dropFirst(client.location.prefix.count)), version: tag, isReplacement: isReplacement)
    }
}
