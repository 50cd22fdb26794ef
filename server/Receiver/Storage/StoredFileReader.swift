public import NIOCore

/// A stored file that has been opened to be read. It is closed with the last reference.
public protocol StoredFileReader: Sendable {
    /// As it was when it was opened.
    var file: StoredFile { get }

    /// Reads exactly so many bytes. Suspends, and blocks no thread of an event loop.
    ///
    /// - Parameters:
    ///   - offset: of the first byte; with `count`, within the file's size.
    ///   - count: not more than the caller wants in memory.
    /// - Throws: ``StorageError/Code/changed`` when the file is no longer the one that was opened:
    ///   shorter, or written to.
    func read(at offset: Int, count: Int) async throws(StorageError) -> ByteBuffer
}
