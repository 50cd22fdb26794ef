public import NIOCore

/// Where uploaded files are stored and read from. Chosen when the server starts; the rest of the server knows only this
/// protocol.
public protocol Storage: Sendable {
    /// Begins to store the files of one request. Writes nothing yet.
    func begin() -> any StorageTransaction

    /// Checks whether a file could be stored now. Suspends as long as the storage takes; blocks no thread that others use.
    ///
    /// - Throws: the reason why nothing can be stored.
    func check() async throws(StorageError)

    /// Completes or removes what servers that were killed have left, besides uploads that can go on. Called when the server
    /// starts and from time to time; by default does nothing.
    func removeLeftovers() async throws(StorageError)

    /// Whether files are stored below folders, as their clients name them: `album/2024/a.jpg`. Otherwise only the last
    /// component of a filename counts.
    var keepsPaths: Bool { get }

    /// The files that can be opened, a page at a time, in the order of the bytes of their names.
    ///
    /// Takes memory for one page, however many files there are.
    ///
    /// - Parameters:
    ///   - name: where the page begins: after this name, which need not exist; nil for the first page. From a client: data,
    ///     never a path.
    ///   - limit: the most files of the page, at least 1.
    func files(after name: String?, limit: Int) async throws(StorageError) -> StoredFilePage

    /// Opens a file for reading.
    ///
    /// - Parameter name: from a client. Data, never a path.
    /// - Returns: nil if no file has that name.
    func open(_ name: String) async throws(StorageError) -> (any StoredFileReader)?
}

extension Storage {
    public func removeLeftovers() {}
}

/// The files of one request. All of them become visible together, or none does.
///
/// One task at a time uses a transaction, and ends it with ``publish()`` or ``abandon()``. Files follow one another:
/// ``beginFile(named:contentType:_:)``, ``write(_:)`` any number of times, ``endFile()``.
public protocol StorageTransaction: Sendable {
    /// Begins a file.
    ///
    /// - Parameters:
    ///   - filename: as the client sent it. Data, never a path.
    ///   - contentType: the media type that the client gave; nil for none. A storage may ignore it.
    ///   - naming: of the only file of a request. The files of others get free names.
    /// - Throws: ``StorageError/Code/conditionFailed`` if the condition of `naming` does not hold now.
    mutating func beginFile(named filename: String, contentType: String?, _ naming: Naming) async throws(StorageError)

    /// Appends to the file that was begun last. Suspends while too many bytes are unwritten: that slows the sender down
    /// to the speed of the storage.
    ///
    /// - Parameter pieces: in order. They share memory with the network's read buffers: a transaction may keep only a
    ///   bounded number of bytes after it returns.
    /// - Throws: the error of writing these bytes or earlier ones.
    mutating func write(_ pieces: [ByteBuffer]) async throws(StorageError)

    /// Ends the file that was begun last.
    mutating func endFile() async throws(StorageError)

    /// Makes all files visible, and writes them to where the storage promises to keep them. If it throws, none is visible,
    /// and none has been replaced.
    ///
    /// - Returns: what each file has become, in the order in which they were begun; nil for a file that is not stored.
    /// - Throws: ``StorageError/Code/conditionFailed`` if the condition of the file does not hold.
    mutating func publish() async throws(StorageError) -> [PublishedFile?]

    /// Removes every trace of the files, also in a cancelled task.
    mutating func abandon() async
}

/// How a file gets its name.
public struct Naming: Sendable {
    /// Whether the file takes the place of one that has its name, in one step. Otherwise, and if its filename cannot be its
    /// name as it is, it gets a free name.
    public var replaces: Bool
    /// Whether the file may be stored, given the one that has its name; nil for no condition. Judged when the file begins,
    /// and in one step with giving the name.
    public var condition: (@Sendable (StoredFile?) -> Bool)?

    public init(replaces: Bool = false, condition: (@Sendable (StoredFile?) -> Bool)? = nil) {
        (self.replaces, self.condition) = (replaces, condition)
    }
}

/// A file that has been stored.
public struct PublishedFile: Hashable, Sendable {
    /// With the folders that lead to it: see ``Storage/keepsPaths``.
    public let name: String
    /// See ``StoredFile/version``.
    public let version: String
    /// Whether it has taken the place of another file.
    public let isReplacement: Bool

    public init(name: String, version: String, isReplacement: Bool) {
        (self.name, self.version, self.isReplacement) = (name, version, isReplacement)
    }
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
    /// The media type, if the storage keeps it; otherwise it is guessed from the name.
    public let contentType: String?

    public init(name: String, size: Int, modified: Int, version: String, contentType: String? = nil) {
        self.name = name
        self.size = size
        self.modified = modified
        self.version = version
        self.contentType = contentType
    }
}

/// Some stored files, one after another in the order of the bytes of their names.
public struct StoredFilePage: Hashable, Sendable {
    /// At most as many as were asked for. There may be none, although others follow.
    public let files: [StoredFile]
    /// The name after which the next page begins; nil if no files follow.
    public let last: String?

    public init(files: [StoredFile], last: String?) {
        self.files = files
        self.last = last
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
