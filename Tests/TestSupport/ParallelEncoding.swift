public import ContentCoding
import Synchronization

/// Where a parallel encoder's jobs run.
public enum Executor: Sendable {
    /// In the caller's call.
    case immediate
    /// On the concurrency library's threads.
    case tasks
    /// When asked for, the last first.
    case lastFirst
    /// When asked for.
    case held
}

/// Runs the jobs of an encoder.
public final class Jobs: Sendable {
    private let executor: Executor
    private let held = Mutex<[@Sendable () -> Void]>([])

    public init(_ executor: Executor) { self.executor = executor }

    public var execute: @Sendable (@escaping @Sendable () -> Void) -> Void {
        { [self] job in
            switch executor {
            case .immediate: job()
            case .tasks: Task.detached { job() }
            case .lastFirst, .held: held.withLock { $0.append(job) }
            }
        }
    }

    /// Runs one job that was held; false if there is none.
    public func runLast() -> Bool {
        guard let job = held.withLock({ $0.popLast() }) else { return false }
        job()
        return true
    }

    public func runAll() -> Int {
        var count = 0
        while runLast() { count += 1 }
        return count
    }
}

/// Encodes content in blocks, from beginning to end.
public func encodeInParallel(
    _ content: [UInt8], _ coder: DeflateBlockCoder, workers: Int, executor: Executor, bufferSize: Int = 70_000,
    fillSize: Int = .max, isCompressed: Bool = false
) async throws -> [UInt8] {
    let (encodings, continuation) = AsyncStream.makeStream(of: Void.self)
    let jobs = Jobs(executor)
    var encoder = ParallelEncoder(
        coder, workers: workers, execute: jobs.execute, onEncoded: { continuation.yield() })
    var waiter = encodings.makeAsyncIterator()
    var rest = content[...]
    var encoded: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: bufferSize)
    while !encoder.isAtEnd {
        while !rest.isEmpty {
            let outcome = encoder.fill(isCompressed: isCompressed) { room in
                let count = min(room.count, rest.count, fillSize)
                room.copyBytes(from: rest.prefix(count))
                rest = rest.dropFirst(count)
                return count
            }
            guard case .filled = outcome else { break }
        }
        if rest.isEmpty { encoder.finish() }
        let count = buffer.withUnsafeMutableBytes { encoder.read(into: $0) }
        encoded += buffer[..<count]
        guard count == 0, !encoder.isAtEnd else { continue }
        if !jobs.runLast() { _ = await waiter.next() }
    }
    return encoded
}
