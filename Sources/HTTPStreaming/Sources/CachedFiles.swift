internal import Platform
internal import Synchronization

/// The files that can be opened, read and closed without waiting for a disk, a server or another program. Changing to a
/// thread that may block takes several times as long as sending a small one of them.
enum CachedFiles {
    /// How a file system reads bytes without waiting.
    enum Reads {
        /// By calls that fail instead of waiting for a disk.
        case nowait
        /// By any call: it is in memory.
        case always
    }

    /// The devices of file systems with such reads. Only these open and close files by themselves: others, as network file
    /// systems, may have to ask, and for any time.
    private static let devices = Mutex<[UInt64: Reads]>([:])

    /// How a regular file is read without waiting; nil if that is not possible. May block.
    static func reads(of descriptor: Int32, device: UInt64) -> Reads? {
        if let reads = devices.withLock({ $0[device] }) { return reads }
        guard let reads = examine(descriptor) else { return nil }
        devices.withLock { $0[device] = reads }
        return reads
    }

    private static func examine(_ descriptor: Int32) -> Reads? {
        if csystemcalls_is_in_memory(descriptor) { return .always }
        var byte: UInt8 = 0
        return csystemcalls_pread_nowait(descriptor, &byte, 1, 0) >= 0 || errno == EAGAIN ? .nowait : nil
    }

    /// Whether opening a file would not block now, because the system has the whole path in memory. Never blocks.
    static func contain(_ path: Path) -> Bool {
        var device: UInt64 = 0
        guard path.withCString({ csystemcalls_cached_device($0, &device) }) == 0 else { return false }
        return devices.withLock { $0[device] != nil }
    }
}
