/// What has to be true before a file is reported as stored.
public enum Durability: String, Hashable, Sendable, CaseIterable {
    /// The content, the name and the folder are on the disk: a power cut loses nothing, if the disk does not lose what
    /// it has confirmed.
    case full
    /// The system has the content and the name, and writes both to the disk later, in any order. After a power cut the
    /// file may be missing, empty or incomplete. If only the process is killed, nothing is lost.
    case relaxed
}

extension Descriptor {
    /// Writes the file's content and length to the disk. Blocks until that is done.
    ///
    /// After a failure the file must be discarded: the kernel may have dropped the bytes that it could not write, and a
    /// second call would succeed without them. https://man7.org/linux/man-pages/man2/fsync.2.html#NOTES
    package borrowing func syncContent() throws(SystemError) {
        let raw = raw
        #if canImport(Darwin)
        // fsync(2) of macOS leaves the bytes in the cache of the disk.
        try SystemError.check { fcntl(raw, F_FULLFSYNC) }
        #else
        try SystemError.check { fdatasync(raw) }
        #endif
    }

    /// Writes the names in an open folder to the disk. Blocks until that is done.
    package borrowing func syncNames() throws(SystemError) {
        let raw = raw
        #if canImport(Darwin)
        try SystemError.check { fcntl(raw, F_FULLFSYNC) }
        #else
        try SystemError.check { fsync(raw) }
        #endif
    }

    /// Starts to write a file's content from `offset` to its end to the disk, so that ``syncContent()`` finds less to do.
    /// Waits only while the disk's queue is full. Reports no error: ``syncContent()`` does. Without effect where the
    /// system cannot do this.
    package static func startWriteback(of file: Int32, from offset: Int) {
        csystemcalls_start_writeback(file, off_t(offset))
    }
}
