public import NIOCore

/// Where the files of requests go, and come from: a directory, nowhere, or something else that is
/// chosen when the server starts. What answers a request knows no more of it than this.
public protocol Storage: Sendable {
    /// Begins to store the files of one request. Touches nothing yet.
    func begin() -> any StorageTransaction

    /// The files that can be opened, in any order.
    func files() async throws(StorageError) -> [StoredFile]

    /// Opens a file to be read.
    ///
    /// - Parameter name: data, never a path.
    /// - Returns: nil where there is none of that name.
    func open(_ name: String) async throws(StorageError) -> (any StoredFileReader)?
}

/// The files of one request, which all become visible together, or not at all.
///
/// One task at a time uses a transaction, and ends it with ``publish()`` or ``abandon()``. Files
/// come one after another: ``beginFile(named:)``, ``write(_:)`` any number of times,
/// ``endFile()``.
public protocol StorageTransaction: Sendable {
    /// Begins a file.
    ///
    /// - Parameter filename: as the client wrote it: data, never a path.
    mutating func beginFile(named filename: String) async throws(StorageError)

    /// Appends to the file that was begun last. Suspends while the storage has more to do than it
    /// should: that is what slows a sender down to the storage's speed.
    ///
    /// - Parameter pieces: in order. They share memory with what came from the network: what a
    ///   transaction keeps of them after it returns has to be bounded.
    /// - Throws: what went wrong with these bytes, or with earlier ones.
    mutating func write(_ pieces: [ByteBuffer]) async throws(StorageError)

    /// The file that was begun last is complete.
    mutating func endFile() async throws(StorageError)

    /// Makes all files visible. When it throws, none is.
    ///
    /// - Returns: under which name each file is stored, in the order in which they were begun; nil
    ///   where it is not stored.
    mutating func publish() async throws(StorageError) -> [String?]

    /// Removes every trace of the files. Does so even in a task that has been cancelled.
    mutating func abandon() async
}
