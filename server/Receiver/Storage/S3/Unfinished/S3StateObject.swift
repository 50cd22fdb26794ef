import Foundation
import Synchronization

/// The object with the state of an unfinished upload. A state is written only if no other server has written one since: so
/// only one server at a time can continue an upload. With a store that ignores `If-Match`, two servers could.
///
/// One task at a time uses it.
final class S3StateObject: Sendable {
    /// What the keys of all its objects begin with.
    let folder: String
    private let client: S3Client
    private let current: Mutex<(state: S3UploadState, tag: String)>

    private init(_ folder: String, _ client: S3Client, _ state: S3UploadState, tag: String) {
        (self.folder, self.client) = (folder, client)
        current = Mutex((state, tag))
    }

    var state: S3UploadState { current.withLock { $0.state } }

    private static func key(in folder: String) -> String { folder + "state" }

    static func create(
        _ folder: String, _ client: S3Client, request: [UInt8]
    ) async throws(StorageError) -> S3StateObject {
        let state = S3UploadState(request: request)
        let tag = try await write(state, in: folder, client, .isNew)
        return S3StateObject(folder, client, state, tag: tag)
    }

    /// - Returns: nil if there is no such upload.
    static func read(_ folder: String, _ client: S3Client) async throws(StorageError) -> S3StateObject? {
        do throws(S3Error) {
            guard let (content, tag) = try await client.get(key(in: folder)) else { return nil }
            guard let state = try? JSONDecoder().decode(S3UploadState.self, from: Data(content)) else {
                throw S3Error.damagedUpload
            }
            return S3StateObject(folder, client, state, tag: tag)
        } catch {
            throw error.storageError
        }
    }

    /// - Throws: ``StorageError/takenOver`` if another server has written a state since.
    func write(_ change: (inout S3UploadState) -> Void) async throws(StorageError) {
        var (state, tag) = current.withLock { $0 }
        change(&state)
        state.revision = UUID()
        tag = try await Self.write(state, in: folder, client, .matches(tag: tag))
        current.withLock { $0 = (state, tag) }
    }

    /// Whether no other server has written a state since.
    func isCurrent() async throws(StorageError) -> Bool {
        do throws(S3Error) {
            return try await client.head(Self.key(in: folder))?.tag == current.withLock { $0.tag }
        } catch {
            throw error.storageError
        }
    }

    private static func write(
        _ state: S3UploadState, in folder: String, _ client: S3Client, _ condition: S3WriteCondition
    ) async throws(StorageError) -> String {
        guard let bytes = try? Array(JSONEncoder().encode(state)) else { throw .damagedUpload }
        let key = key(in: folder)
        do throws(S3Error) {
            do throws(S3Error) {
                return try await client.put(key, PartContent(bytes), nil, condition)
            } catch {
                // Sent again after its answer was lost, a write that has succeeded fails.
                guard error.isConflict, let found = try await client.get(key), found.content == bytes else {
                    throw error
                }
                return found.tag
            }
        } catch {
            throw error.isConflict || error.isNotFound ? .takenOver : error.storageError
        }
    }
}
