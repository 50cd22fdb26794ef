import Synchronization

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A file that nobody sees until ``publish(as:)``, and that is gone when the process is, however
/// it ends. Every call blocks.
final class TemporaryFile: Sendable {
    /// How a file can be kept out of sight.
    enum Kind: Sendable {
        /// It has no name at all (`O_TMPFILE`, Linux 3.11): the kernel removes it with its last
        /// descriptor.
        case unnamed
        /// It has a hidden name, and is locked while its process lives: where the lock is free,
        /// the file is a leftover.
        case hidden
    }

    /// The beginning of every hidden name. No stored file is ever named so.
    static let namePrefix = ".http-streaming-"

    private let directory: Directory
    private let hiddenName: String?
    /// −1 once closed.
    private let descriptor: Atomic<CInt>

    init(in directory: Directory, kind: Kind) throws(SystemError) {
        self.directory = directory
        switch kind {
        case .unnamed:
            hiddenName = nil
            descriptor = Atomic(try Self.openUnnamed(in: directory))
        case .hidden:
            let (name, opened) = try Self.openHidden(in: directory)
            hiddenName = name
            descriptor = Atomic(opened)
        }
    }

    deinit { close() }

    /// Appends all of `bytes`, whatever the number of writes it takes.
    func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        let descriptor = descriptor.load(ordering: .relaxed)
        var rest = bytes[...]
        while !rest.isEmpty {
            let buffer = UnsafeRawBufferPointer(rebasing: rest)
            #if canImport(Darwin)
            let written = Darwin.write(descriptor, buffer.baseAddress, buffer.count)
            #elseif canImport(Glibc)
            let written = Glibc.write(descriptor, buffer.baseAddress, buffer.count)
            #elseif canImport(Musl)
            let written = Musl.write(descriptor, buffer.baseAddress, buffer.count)
            #endif
            if written >= 0 {
                rest = rest.dropFirst(written)
            } else if errno != EINTR {
                throw .last
            }
        }
    }

    /// Makes the file visible under `name`.
    ///
    /// - Throws: `EEXIST` when the name is taken; it never replaces a file.
    func publish(as name: String) throws(SystemError) {
        if let hiddenName {
            try directory.makeLink(to: hiddenName, as: name)
        } else {
            // The way that open(2) describes for O_TMPFILE: linkat with AT_EMPTY_PATH would take
            // a capability. https://man7.org/linux/man-pages/man2/open.2.html
            try directory.makeLink(toPath: "/proc/self/fd/\(descriptor.load(ordering: .relaxed))", as: name)
        }
    }

    /// Closes the file and removes its hidden name. What was published stays.
    func close() {
        let descriptor = descriptor.exchange(-1, ordering: .relaxed)
        guard descriptor >= 0 else { return }
        // Before the lock goes with the descriptor. That it is gone already is no failure.
        if let hiddenName { try? directory.removeFile(hiddenName) }
        closeDescriptor(descriptor)
    }

    /// Which kind works in a directory; proves that files can be made there.
    static func probe(_ directory: Directory) throws(SystemError) -> Kind {
        let trial = hiddenName()
        do {
            let file = try TemporaryFile(in: directory, kind: .unnamed)
            defer { file.close() }
            // Fails without /proc, say.
            try file.publish(as: trial)
            try? directory.removeFile(trial)
            return .unnamed
        } catch {
            try TemporaryFile(in: directory, kind: .hidden).close()
            return .hidden
        }
    }

    /// Removes the hidden files that killed processes have left.
    static func removeLeftovers(in directory: Directory) throws(SystemError) {
        for name in try directory.names(startingWith: namePrefix) {
            guard let descriptor = try? directory.openFile(name, flags: O_WRONLY | O_NOFOLLOW | O_NONBLOCK) else {
                continue
            }
            defer { closeDescriptor(descriptor) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else { continue }
            try? directory.removeFile(name)
        }
    }

    private static func openUnnamed(in directory: Directory) throws(SystemError) -> CInt {
        #if os(Linux)
        // O_TMPFILE, a macro that Swift does not import.
        return try directory.openFile(".", flags: 0o20_000_000 | O_DIRECTORY | O_WRONLY)
        #else
        throw SystemError(number: ENOTSUP)
        #endif
    }

    private static func openHidden(in directory: Directory) throws(SystemError) -> (name: String, descriptor: CInt) {
        while true {
            let name = hiddenName()
            let descriptor = try directory.openFile(name, flags: O_CREAT | O_EXCL | O_WRONLY)
            // A process that starts in between may take the file for a leftover: it holds the lock,
            // or has removed the file already. Where the file system knows no locks, it does neither.
            let isLocked = flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK
            if isLocked, directory.contains(name) { return (name, descriptor) }
            closeDescriptor(descriptor)
        }
    }

    private static func hiddenName() -> String {
        namePrefix + String(UInt128.random(in: .min ... .max), radix: 36)
    }
}

/// `close(2)`, out of reach of methods of that name. It is never repeated: on Linux the descriptor
/// is gone even when it reports `EINTR`, and may be another thread's by then.
func closeDescriptor(_ descriptor: CInt) { close(descriptor) }
