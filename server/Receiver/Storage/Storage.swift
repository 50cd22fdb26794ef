public import NIOCore

/// Where uploaded files are stored and read from. Chosen when the server starts; the rest of the server knows only this
/// protocol.
public protocol Storage: Sendable {
    /// Begins to store the files of one request. Writes nothing yet.
    func begin() -> any StorageTransaction

    /// The files that can be opened, in any order.
    func files() async throws(StorageError) -> [StoredFile]

    /// Opens a file for reading.
    ///
    /// - Parameter name: from a client. Data, never a path.
    /// - Returns: nil if no file has that name.
    func open(_ name: String) async throws(StorageError) -> (any StoredFileReader)?
}

/// The files of one request. All of them become visible together, or none does.
///
/// One task at a time uses a transaction, and ends it with ``publish()`` or ``abandon()``. Files follow one another:
/// ``beginFile(named:)``, ``write(_:)`` any number of times, ``endFile()``.
public protocol StorageTransaction: Sendable {
    /// Begins a file.
    ///
    /// - Parameter filename: as the client sent it. Data, never a path.
    mutating func beginFile(named filename: String) async throws(StorageError)

    /// Appends to the file that was begun last. Suspends while too many bytes are unwritten: that slows the sender down
    /// to the speed of the storage.
    ///
    /// - Parameter pieces: in order. They share memory with the network's read buffers: a transaction may keep only a
    ///   bounded number of bytes after it returns.
    /// - Throws: the error of writing these bytes or earlier ones.
    mutating func write(_ pieces: [ByteBuffer]) async throws(StorageError)

    /// Ends the file that was begun last.
    mutating func endFile() async throws(StorageError)

    /// Makes all files visible. If it throws, none is visible.
    ///
    /// - Returns: the name under which each file is stored, in the order in which they were begun; nil for a file that
    ///   is not stored.
    mutating func publish() async throws(StorageError) -> [String?]

    /// Removes every trace of the files, also in a cancelled task.
    mutating func abandon() async
}

/// A stored file.
public struct StoredFile: Hashable, Sendable {
    public let name: String
    /// In bytes.
    public let size: Int
    /// When the content last changed, in seconds since 1970, UTC.
    public let modified: Int
    /// Identifies the content: differs for any other content that this name has now or later. Letters, digits and `-`.
    public let version: String

    public init(name: String, size: Int, modified: Int, version: String) {
        self.name = name
        self.size = size
        self.modified = modified
        self.version = version
    }
}

/// A stored file that is open for reading. The last reference closes it.
public protocol StoredFileReader: Sendable {
    /// As it was when it was opened.
    var file: StoredFile { get }

    /// Reads exactly `count` bytes. Suspends; blocks no thread of an event loop.
    ///
    /// - Parameters:
    ///   - offset: the position of the first byte. `offset + count` is at most the file's size.
    ///   - count: how many bytes the caller is willing to hold in memory.
    /// - Throws: ``StorageError/Code/changed`` if the file has been shortened or written to since it was opened.
    func read(at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer
}
