import NIOCore

/// Stores nothing. For measurements, and for trying a client without filling a disk.
public struct DiscardStorage: Storage {
    public init() {}

    public var keepsPaths: Bool { false }

    public func begin() -> any StorageTransaction { Transaction() }
    public func check() {}
    public func files(after name: String?, limit: Int) -> StoredFilePage { StoredFilePage(files: [], last: nil) }
    public func open(_ name: String) -> (any StoredFileReader)? { nil }

    private struct Transaction: StorageTransaction {
        private var files = 0

        mutating func beginFile(named filename: String, contentType: String?, _ naming: Naming) { files += 1 }
        mutating func write(_ pieces: [ByteBuffer]) {}
        mutating func endFile() {}
        mutating func publish() -> [PublishedFile?] { Array(repeating: nil, count: files) }
        mutating func abandon() {}
    }
}
