import NIOCore

@testable import Receiver

/// A storage whose disk never answers, until the task is cancelled.
struct StuckStorage: Storage {
    func begin() -> any StorageTransaction { Transaction() }
    func files() -> [StoredFile] { [] }
    func open(_ name: String) -> (any StoredFileReader)? { nil }

    struct Transaction: StorageTransaction {
        mutating func beginFile(named filename: String) async throws(StorageError) {}
        mutating func write(_ pieces: [ByteBuffer]) async throws(StorageError) {
            try? await Task.sleep(for: .seconds(30))
            throw StorageError(.failed, "stuck")
        }
        mutating func endFile() async throws(StorageError) {}
        mutating func publish() async throws(StorageError) -> [String?] { [] }
        mutating func abandon() async {}
    }
}
