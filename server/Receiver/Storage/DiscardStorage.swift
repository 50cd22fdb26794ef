import NIOCore

/// Stores nothing. For measurements, and for trying a client without filling a disk.
public struct DiscardStorage: Storage {
    public init() {}

    public func begin() -> any StorageTransaction { Transaction() }
    public func files() -> [StoredFile] { [] }
    public func open(_ name: String) -> (any StoredFileReader)? { nil }

    private struct Transaction: StorageTransaction {
        private var files = 0

        mutating func beginFile(named filename: String) { files += 1 }
        mutating func write(_ pieces: [ByteBuffer]) {}
        mutating func endFile() {}
        mutating func publish() -> [String?] { Array(repeating: nil, count: files) }
        mutating func abandon() {}
    }
}
