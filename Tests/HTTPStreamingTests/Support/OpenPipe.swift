import Foundation
import Synchronization
import TestSupport

/// Both ends of a pipe, socket pair or terminal; closed with this object.
final class OpenPipe: Sendable {
    let reader: Int32
    private let writer: Mutex<Int32?>

    /// A pipe, unless the ends of something else are given.
    init(ends: (reader: Int32, writer: Int32)? = nil) throws {
        var pair: [Int32] = [-1, -1]
        if let ends {
            pair = [ends.reader, ends.writer]
        } else {
            guard pipe(&pair) == 0 else { throw FaultError("pipe: errno \(errno)") }
        }
        reader = pair[0]
        writer = Mutex(pair[1])
    }

    /// A pipe that ends after these bytes, which have to fit into it.
    convenience init(holding bytes: some Collection<UInt8>) throws {
        try self.init()
        write(bytes)
        finish()
    }

    deinit {
        close(reader)
        finish()
    }

    /// Blocks until everything is in the pipe, or its reader is closed.
    func write(_ bytes: some Collection<UInt8>) {
        guard let writer = writer.withLock({ $0 }) else { return }
        signal(SIGPIPE, SIG_IGN)
        Array(bytes).withUnsafeBytes { bytes in
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = UnsafeRawBufferPointer(rebasing: rest)
                let count = Foundation.write(writer, part.baseAddress, part.count)
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }

    /// Closes the writing end.
    func finish() {
        writer.withLock { $0.take() }.map { _ = close($0) }
    }

    /// Writes on another thread, in bursts of random lengths with pauses, then closes the writing end.
    func writeInBursts(_ content: [UInt8], case number: Int) {
        Thread.detachNewThread { [self] in
            var generator = SeededGenerator(case: number)
            var rest = content[...]
            while !rest.isEmpty {
                let burst = rest.prefix(
                    Int.random(in: 1...(1 << Int.random(in: 1...18, using: &generator)), using: &generator))
                write(burst)
                rest = rest.dropFirst(burst.count)
                if generator.oneIn(3) { usleep(.random(in: 0...20_000, using: &generator)) }
            }
            finish()
        }
    }

    /// The bytes that can be read without waiting.
    func rest() -> [UInt8] {
        _ = fcntl(reader, F_SETFL, fcntl(reader, F_GETFL) | O_NONBLOCK)
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        let count = read(reader, &buffer, buffer.count)
        return Array(buffer[..<max(0, count)])
    }

    /// Whether the reader has read everything.
    var isDrained: Bool {
        var entry = pollfd(fd: reader, events: Int16(POLLIN), revents: 0)
        return poll(&entry, 1, 0) == 0
    }
}

/// How many descriptors are open of the file, pipe or socket of `descriptor`.
func openDescriptors(like descriptor: Int32) throws -> Int {
    let name = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(descriptor)")
    return try openDescriptors { $0 == name }
}

/// The CPU time of all threads of this process, for exit tests.
func processorTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
