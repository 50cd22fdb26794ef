import NIOCore

@testable import Receiver

/// Delays the first write of each request, and stores nothing.
struct SlowStorage: Storage {
    var delay: Duration

    var keepsPaths: Bool { false }

    func begin() -> any StorageTransaction { Transaction(delay: delay) }
    func check() {}
    func files(after name: String?, limit: Int) -> StoredFilePage { StoredFilePage(files: [], last: nil) }
    func open(_ name: String) -> (any StoredFileReader)? { nil }

    private struct Transaction: StorageTransaction {
        let delay: Duration
        var isSlow = true
        var names: [PublishedFile?] = []

        mutating func beginFile(
            named filename: String, contentType: String?, _ naming: Naming
        ) async throws(StorageError) {
            names.append(nil)
        }
        mutating func write(_ pieces: [ByteBuffer]) async throws(StorageError) {
            defer { isSlow = false }
            do {
                if isSlow { try await Task.sleep(for: delay) }
            } catch {
                throw StorageError(.failed, "cancelled")
            }
        }
        mutating func endFile() async throws(StorageError) {}
        mutating func publish() async throws(StorageError) -> [PublishedFile?] { names }
        mutating func abandon() async {}
    }
}

extension StorageTransaction {
    /// Begins a file that gets a free name.
    mutating func beginFile(named filename: String) async throws(StorageError) {
        try await beginFile(named: filename, contentType: nil, Naming())
    }
}
