import Synchronization

extension S3Storage {
    /// How many numbers are tried in order: people expect the lowest one that is free.
    private static let triedInOrder = 5

    func key(_ name: FileName, _ number: Int) -> String {
        client.location.prefix + name.path(name.numbered(number))
    }

    /// Judges the condition of a request for the file that has the name now.
    ///
    /// - Returns: under which condition the store may write it, so that no other request comes in between.
    func condition(of name: FileName, _ naming: Naming) async throws(StorageError) -> S3WriteCondition {
        guard naming.replaces || naming.condition != nil else { return .isNew }
        let found = try await file(key(name, 0))
        if let condition = naming.condition, !condition(found) {
            throw StorageError.conditionIsFalse
        }
        guard naming.replaces else { return .isNew }
        // Without a condition the last one wins.
        guard naming.condition != nil else { return found == nil ? .always : .replacing }
        return found.map { .matches(tag: $0.version) } ?? .isNew
    }

    /// Finds a free key: `book (1).txt` for `book.txt`. No other request of this server gets it before ``release(_:)``.
    func reserve(_ name: FileName) async throws(StorageError) -> String {
        for number in 0..<Self.triedInOrder {
            if let key = try await reserve(name, number) { return key }
        }
        // With doubling steps, then halving ones: the time does not grow with the number of files of that name.
        var (taken, step) = (Self.triedInOrder - 1, 1)
        while true {
            while try await exists(key(name, taken + step)) {
                taken += step
                step *= 2
            }
            var free = taken + step
            while free - taken > 1 {
                let middle = taken + (free - taken) / 2
                if try await exists(key(name, middle)) { taken = middle } else { free = middle }
            }
            if let key = try await reserve(name, free) { return key }
            (taken, step) = (free, 1)
        }
    }

    /// - Returns: nil if the name is taken.
    private func reserve(_ name: FileName, _ number: Int) async throws(StorageError) -> String? {
        let key = key(name, number)
        guard reserved.withLock({ $0.insert(key).inserted }) else { return nil }
        do throws(StorageError) {
            guard try await file(key) != nil else { return key }
        } catch {
            release([key])
            throw error
        }
        release([key])
        return nil
    }

    func release(_ keys: Set<String>) { reserved.withLock { $0.subtract(keys) } }

    private func exists(_ key: String) async throws(StorageError) -> Bool {
        if reserved.withLock({ $0.contains(key) }) { return true }
        return try await file(key) != nil
    }

    /// The file that has this key now; nil if there is none.
    private func file(_ key: String) async throws(StorageError) -> StoredFile? {
        do throws(S3Error) {
            return try await client.head(key).map { file(key, $0) }
        } catch {
            throw error.storageError
        }
    }

    func file(_ key: String, _ head: S3Client.ObjectHead) -> StoredFile {
        StoredFile(
            name: client.location.name(of: key), size: head.size, modified: head.modified,
            version: head.tag, contentType: head.contentType)
    }
}
