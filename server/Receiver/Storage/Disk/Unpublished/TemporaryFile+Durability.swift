import NIOCore
import Platform

extension TemporaryFile {
    /// Appends pieces of a body.
    ///
    /// - Parameter startWriteback: called when it is worth while to start writing to the disk, with the function for that.
    func write(
        _ pieces: [ByteBuffer], _ durability: Durability, startWriteback: (@escaping @Sendable () -> Void) -> Void
    ) throws(SystemError) {
        for piece in pieces {
            let offset = try piece.withUnsafeReadableBytes { bytes throws(SystemError) in try write(bytes) }
            if durability == .full, let offset { startWriteback { self.startWriteback(from: offset) } }
        }
    }
}

extension [TemporaryFile] {
    /// Writes complete files to the disk, if they have to be there, and closes them.
    func close(_ durability: Durability) throws(SystemError) {
        if durability == .full {
            // The disk gets all files before this thread waits for the first one: most file systems then finish all
            // of them together.
            for file in self { file.startWriteback() }
            for file in self { try file.sync() }
        }
        for file in self { try file.close() }
    }
}
