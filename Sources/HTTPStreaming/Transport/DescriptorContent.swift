internal import Platform

/// What comes out of a pipe, a socket or a device, as the content of a part. It can be read once.
final class DescriptorContent: Sendable {
    enum Read {
        /// None where there is nothing more.
        case bytes(Int)
        case nothingYet
    }

    /// What errors call it.
    let name: String
    let once: ReadOnce
    private let descriptor: Int32
    private let isSocket: Bool

    /// - Parameter descriptor: closed with this object.
    init(owning descriptor: Int32, name: String, once: ReadOnce, isSocket: Bool) {
        self.descriptor = descriptor
        self.name = name
        self.once = once
        self.isSocket = isSocket
    }

    deinit { _ = close(descriptor) }

    /// What is to be waited for, by poll(2), where there is nothing yet.
    var awaited: Int32 { descriptor }

    /// Whether a read would not wait: there is something, or the end.
    func isReadable() throws(ClientError) -> Bool {
        var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        do throws(SystemError) {
            return try SystemError.check { poll(&entry, 1, 0) } > 0
        } catch {
            throw ClientError.unreadable(name, error)
        }
    }

    /// Reads what there is into `buffer`, which is not empty; to be called when it is readable.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ClientError) -> Read {
        do throws(SystemError) {
            // Whether a read waits is a property of what is open, which others may share: not ours to
            // change. Behind poll(2) it does not, unless another process has been faster.
            let count = try SystemError.check {
                isSocket
                    ? recv(descriptor, buffer.baseAddress, buffer.count, csystemcalls_msg_dontwait)
                    : readDescriptor(descriptor, buffer)
            }
            return .bytes(count)
        } catch {
            guard error.code == EAGAIN || error.code == EWOULDBLOCK else { throw ClientError.unreadable(name, error) }
            return .nothingYet
        }
    }
}
