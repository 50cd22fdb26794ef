import Dispatch
import Platform
import Synchronization

/// Writes the lines of the log to standard error, in order, from a thread of its own: a program that does not read them
/// delays no request.
///
/// Lines for which there is no room are dropped. When there is room again, a line says how many they were.
final class LogQueue: Sendable {
    /// Of lines that wait, in bytes. As many more are being written.
    private static let capacity = 1024 * 1024
    /// How long the thread waits for more lines after the first, in microseconds. Waking up for each line would take a
    /// fourth of the processor time of a short request (`make bench-server`).
    private static let gatheringTime: UInt32 = 2000

    /// Never closed.
    private static let standardError = Descriptor(owning: STDERR_FILENO)

    private struct State {
        /// Whole lines.
        var waiting: [UInt8] = []
        /// Lines that came after those that wait.
        var dropped = 0
        /// Whether the thread writes, or will.
        var isWriting = false
    }

    private let state = Mutex(State())
    private let wakeUp = DispatchSemaphore(value: 0)
    private let note: @Sendable (Int) -> LogLine

    /// - Parameter note: a line that says how many lines were dropped.
    /// - Throws: if the system has no thread left.
    init(note: @escaping @Sendable (Int) -> LogLine) throws(SystemError) {
        self.note = note
        try NativeThread.start("log") { [self] in
            while true {
                wakeUp.wait()
                repeat {
                    usleep(Self.gatheringTime)
                    let bytes = next()
                    // An error does not end the server, and cannot be told to anyone.
                    bytes.withUnsafeBytes { try? Self.standardError.write($0) }
                } while hasMore()
            }
        }
    }

    func append(_ line: LogLine) {
        let bytes = line.bytes
        let isFirst = state.withLock { state in
            guard state.dropped == 0, state.waiting.count + bytes.count <= Self.capacity else {
                state.dropped += 1
                return false
            }
            state.waiting += bytes
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if isFirst { wakeUp.signal() }
    }

    /// Waits until all lines are written, for one second at most. Blocks.
    func flush() {
        for _ in 0..<1000 {
            guard state.withLock({ $0.isWriting }) else { return }
            usleep(1000)
        }
    }

    private func next() -> [UInt8] {
        let (lines, dropped) = state.withLock { state in
            defer { (state.waiting, state.dropped) = ([], 0) }
            return (state.waiting, state.dropped)
        }
        return dropped == 0 ? lines : lines + note(dropped).bytes
    }

    private func hasMore() -> Bool {
        state.withLock { state in
            state.isWriting = !state.waiting.isEmpty
            return state.isWriting
        }
    }
}
