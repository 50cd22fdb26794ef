import Synchronization
import NIOCore
import Platform

extension S3Storage {
    /// The files of one request.
    struct Transaction: StorageTransaction {
        private let storage: S3Storage
        private(set) var files: [S3File] = []
        private var names: [FileName] = []
        /// Of the first file.
        private var naming = Naming()
        /// What has the key of the first file: see ``Naming/condition``.
        private(set) var condition = S3WriteCondition.isNew
        private var published: [PublishedFile] = []
        /// No other request of this server gets these.
        private var reserved: Set<String> = []
        let queue: PartQueue
        /// How often another name is tried when another server has taken one.
        private static let mostNames = 20

        init(_ storage: S3Storage) {
            self.storage = storage
            queue = PartQueue(storage.spools)
        }

        mutating func beginFile(
            named filename: String, contentType: String?, _ naming: Naming
        ) async throws(StorageError) {
            // Only a single file waits to be sent by one request.
            if files.count == 1, files[0].isWaiting { try await files[0].sendLast() }
            let name = try addName(filename, naming)
            if files.isEmpty { condition = try await storage.condition(of: name, self.naming) }
            let key: String
            if files.isEmpty, self.naming.replaces {
                key = storage.key(name, 0)
            } else {
                key = try await storage.reserve(name)
                reserved.insert(key)
            }
            // Another request is going to store a file of this name, which must not exist.
            if files.isEmpty, let condition = self.naming.condition, condition(nil), key != storage.key(name, 0) {
                end()
                throw StorageError.conditionIsFalse
            }
            let fields = S3Client.ObjectFields(contentType: contentType)
            files.append(S3File(key, .file(fields), storage.client, queue))
        }

        /// Begins a file that an earlier transaction has begun.
        ///
        /// - Parameter condition: of the first file.
        mutating func adopt(
            _ file: S3File, named filename: String, _ naming: Naming, _ condition: S3WriteCondition
        ) throws(StorageError) {
            _ = try addName(filename, naming)
            if files.isEmpty { self.condition = condition }
            if storage.reserved.withLock({ $0.insert(file.key).inserted }) { reserved.insert(file.key) }
            files.append(file)
        }

        private mutating func addName(_ filename: String, _ naming: Naming) throws(StorageError) -> FileName {
            let name = FileName(cleaning: filename, keepsFolders: storage.keepsPaths)
            guard name.folders.count <= FileName.maximumFolders else {
                throw StorageError(.invalidName, "the filename has more than \(FileName.maximumFolders) folders")
            }
            if files.isEmpty {
                let replaces = naming.replaces && name.isExact(for: filename)
                self.naming = Naming(replaces: replaces, condition: naming.condition)
            }
            names.append(name)
            return name
        }

        mutating func write(_ pieces: [ByteBuffer]) async throws(StorageError) {
            try await files.last?.write(pieces)
        }

        mutating func endFile() async throws(StorageError) {
            guard let file = files.last else { preconditionFailure("no file has begun") }
            if files.count > 1 || !file.isWaiting { try await file.sendLast() }
        }

        mutating func publish() async throws(StorageError) -> [PublishedFile?] {
            try await publish { (_) throws(StorageError) in }
        }

        /// - Parameter record: called when the store has all bytes, before a file becomes visible, and again if it gets
        ///   another name.
        mutating func publish(
            recording record: (Transaction) async throws(StorageError) -> Void
        ) async throws(StorageError) -> [PublishedFile?] {
            if files.count == 1, files[0].isWaiting {
                published = [try await put(record)]
            } else {
                // First all parts of all files, whatever may be refused; then the names.
                var parts: [[S3Part]] = []
                for file in files { parts.append(try await file.parts().stored()) }
                try await record(self)
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
            await Task { [visible = files.prefix(published.count)] in
                for file in visible { try? await file.withdraw() }
            }.value
            end()
        }

        /// Others may have the names.
        mutating func end() {
            storage.release(reserved)
            (files, names, published, reserved) = ([], [], [], [])
        }

        /// Sends the only file with one request.
        private mutating func put(
            _ record: (Transaction) async throws(StorageError) -> Void
        ) async throws(StorageError) -> PublishedFile {
            let file = files[0]
            let content = try await file.waitingContent()
            for _ in 0..<Self.mostNames {
                try await record(self)
                do throws(S3Error) {
                    return storage.published(file.key, tag: try await file.put(content, condition), condition)
                } catch {
                    // The name has been taken by another server: the file gets the next one.
                    guard error.isConflict, naming.condition == nil, !naming.replaces else {
                        throw error.storageError
                    }
                }
                storage.release(reserved)
                reserved = []
                file.rename(to: try await storage.reserve(names[0]))
                reserved = [file.key]
            }
            throw Self.nameTaken
        }

        private func complete(_ file: S3File, _ parts: [S3Part]) async throws(StorageError) -> PublishedFile {
            let condition = files.count == 1 ? condition : .isNew
            do throws(S3Error) {
                let tag = try await file.complete(parts, condition)
                return storage.published(file.key, tag: tag, condition)
            } catch {
                // The parts of a multipart upload cannot get another name.
                if error.isConflict, naming.condition == nil {
                    throw Self.nameTaken
                }
                throw error.storageError
            }
        }

        private static let nameTaken = StorageError(
            .conflict, "another request has stored a file of this name at the same time: send it again")
    }

    public func begin() -> any StorageTransaction { Transaction(self) }

    fileprivate func published(_ key: String, tag: String, _ condition: S3WriteCondition) -> PublishedFile {
        let isReplacement =
            switch condition {
            case .replacing, .matches: true
            case .always, .isNew: false
            }
        return PublishedFile(name: client.location.name(of: key), version: tag, isReplacement: isReplacement)
    }
}
