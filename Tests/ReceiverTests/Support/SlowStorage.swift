import NIOCore

@testable import Receiver

/// Delays the first write of each request, and stores nothing.
struct SlowStorage: Storage {
    var delay: Duration

    func begin() -> any StorageTransaction { Transaction(delay: delay) }
    func files() -> [StoredFile] { [] }
    func open(_ name: String) -> (any StoredFileReader)? { nil }

    private struct Transaction: StorageTransaction {
        let delay: Duration
        var isSlow = true
        var names: [String?] = []

        mutating func beginFile(named filename: String) async throws(StorageError) { names.append(nil) }
        mutating func write(_ pieces: [ByteBuffer]) async throws(StorageError) {
            defer { isSlow = false }
            do {
                if isSlow { try await Task.sleep(for: delay) }
            } catch {
                throw StorageError(.failed, "cancelled")
            }
        }
        mutating func endFile() async throws(StorageError) {}
        mutating func publish() async throws(StorageError) -> [String?] { names }
        mutating func abandon() async {}
    }
}
