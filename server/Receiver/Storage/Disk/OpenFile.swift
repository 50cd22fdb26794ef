import NIOCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A regular file of a directory, opened to be read. Every call blocks.
final class OpenFile: Sendable {
    /// When it was opened.
    let status: FileStatus
    private let descriptor: CInt

    /// - Returns: nil where there is no regular file of that name; a symbolic link is none.
    init?(_ name: String, in directory: Directory) throws(SystemError) {
        do {
            // O_NONBLOCK: to open a FIFO would wait for its other end.
            descriptor = try directory.openFile(name, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        } catch {
            guard error.isAboutTheName else { throw error }
            return nil
        }
        do {
            status = try Self.status(of: descriptor)
        } catch {
            closeDescriptor(descriptor)
            throw error
        }
        // From here on the deinitializer closes it.
        guard status.isRegular else { return nil }
    }

    deinit { closeDescriptor(descriptor) }

    /// - Returns: nil when the file is no longer what it was when it was opened.
    func read(at offset: Int, count: Int) throws(SystemError) -> ByteBuffer? {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(count)
        while buffer.readableBytes < count {
            let position = off_t(offset + buffer.readableBytes)
            let missing = count - buffer.readableBytes
            let taken = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: missing) {
                room throws(SystemError) in
                try retryingOnInterrupt { pread(descriptor, room.baseAddress, missing, position) }
            }
            // It has become shorter.
            if taken == 0 { return nil }
        }
        return try Self.status(of: descriptor) == status ? buffer : nil
    }

    private static func status(of descriptor: CInt) throws(SystemError) -> FileStatus {
        var status = stat()
        try retryingOnInterrupt { fstat(descriptor, &status) }
        return FileStatus(status)
    }
}
