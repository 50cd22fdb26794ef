import Foundation
import Platform

/// An unfinished upload is a few objects: `PREFIX.unfinished/ID/state` and the bytes that are in no part yet. When its files
/// have been published, `answer` takes their place.
extension S3Storage: ResumableStorage {
    private static let (folder, answer) = (".unfinished/", "answer")

    private struct Answer: Codable {
        let request: Data
        let answer: Data
    }

    private var unfinishedPrefix: String { client.location.prefix + Self.folder }

    private func folder(of id: UploadID) -> String { unfinishedPrefix + "\(id)/" }

    func create(_ id: UploadID, request: [UInt8]) async throws(StorageError) -> any ResumableTransaction {
        S3UnfinishedTransaction(self, id, try await .create(folder(of: id), client, request: request))
    }

    func find(_ id: UploadID) async throws(StorageError) -> StoredUpload? {
        let object = try await S3StateObject.read(folder(of: id), client)
        if let object, !object.state.isPublishing {
            return StoredUpload(request: Array(object.state.request), answer: nil)
        }
        let content = try await trying { () throws(S3Error) in
            try await client.get(folder(of: id) + Self.answer)?.content
        }
        guard let content else { return object.map { StoredUpload(request: Array($0.state.request), answer: nil) } }
        guard let found = try? JSONDecoder().decode(Answer.self, from: Data(content)) else {
            throw .damagedUpload
        }
        // The server was killed before it had removed the rest.
        if object != nil { await removeObjects(of: id, except: Self.answer) }
        return StoredUpload(request: Array(found.request), answer: Array(found.answer))
    }

    func reopen(_ id: UploadID) async throws(StorageError) -> any ResumableTransaction {
        guard let object = try await S3StateObject.read(folder(of: id), client) else { throw .takenOver }
        // From now on, what another server writes fails.
        try await object.write { _ in }
        return try S3UnfinishedTransaction(self, id, reopening: object)
    }

    func complete(_ id: UploadID, answer: [UInt8]) async throws(StorageError) {
        guard let object = try await S3StateObject.read(folder(of: id), client) else { return }
        let content = try? JSONEncoder().encode(Answer(request: object.state.request, answer: Data(answer)))
        try await trying { () throws(S3Error) in
            _ = try await client.put(folder(of: id) + Self.answer, PartContent(Array(content ?? Data())), nil, .always)
        }
        await removeObjects(of: id, except: Self.answer)
    }

    func remove(_ id: UploadID) async {
        if let state = try? await S3StateObject.read(folder(of: id), client)?.state {
            for (index, file) in state.files.enumerated() {
                guard let upload = file.upload else { continue }
                if state.isPublishing {
                    // A server was killed while the files became visible: none of them gets lost.
                    let condition = state.files.count == 1 && index == 0 ? state.condition : .isNew
                    _ = try? await client.completeUpload(upload, file.key, file.parts, condition)
                } else {
                    try? await client.abortUpload(upload, file.key)
                }
            }
        }
        await removeObjects(of: id)
    }

    /// What is not removed stays until the upload expires.
    func removeObjects(of id: UploadID, except kept: String? = nil) async {
        let folder = folder(of: id)
        var (isDone, last): (Bool, String?) = (false, nil)
        while !isDone, let page = try? await client.list(prefix: folder, after: last, isFlat: false, limit: 1000) {
            for object in page.objects where object.key != kept.map({ folder + $0 }) {
                try? await client.delete(object.key)
            }
            (isDone, last) = (page.last == nil, page.last)
        }
    }

    func unfinished() async throws(StorageError) -> [UnfinishedEntry] {
        var entries: [UploadID: UnfinishedEntry] = [:]
        try await forEachUnfinished { object, id, name in
            let before = entries[id]
            entries[id] = UnfinishedEntry(
                id: id, bytes: 0, modified: max(before?.modified ?? 0, object.modified),
                isComplete: before?.isComplete == true || name == Self.answer)
        }
        return Array(entries.values)
    }

    /// The identifiers of the multipart uploads that unfinished uploads need.
    func neededUploads() async throws(StorageError) -> Set<String> {
        var ids: Set<UploadID> = []
        try await forEachUnfinished { _, id, _ in ids.insert(id) }
        var needed: Set<String> = []
        for id in ids {
            do throws(StorageError) {
                guard let state = try await S3StateObject.read(folder(of: id), client)?.state else { continue }
                needed.formUnion(state.files.compactMap(\.upload))
            } catch  where error == .damagedUpload {
                // It cannot go on.
            }
        }
        return needed
    }

    private func forEachUnfinished(
        _ body: (_ object: (key: String, size: Int, modified: Int, tag: String), UploadID, _ name: String) -> Void
    ) async throws(StorageError) {
        var (isDone, last): (Bool, String?) = (false, nil)
        while !isDone {
            let page = try await trying { () throws(S3Error) in
                try await client.list(prefix: unfinishedPrefix, after: last, isFlat: false, limit: 1000)
            }
            for object in page.objects {
                let name = Substring(object.key.utf8.dropFirst(unfinishedPrefix.utf8.count))
                let parts = name.split(separator: "/", maxSplits: 1)
                guard parts.count == 2, let id = UploadID(parts[0]) else { continue }
                body(object, id, String(parts[1]))
            }
            (isDone, last) = (page.last == nil, page.last)
        }
    }

    func trying<Value>(
        _ body: () async throws(S3Error) -> Value
    ) async throws(StorageError) -> Value {
        do throws(S3Error) {
            return try await body()
        } catch {
            throw error.storageError
        }
    }
}
