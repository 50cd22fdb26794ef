import Synchronization
import Testing

@testable import HTTPStreaming

@Suite("CallQueue", .timeLimit(.minutes(3)))
struct CallQueueTests {
    @Test("one call runs at a time") func exclusive() async throws {
        let queue = CallQueue()
        let inside = Count()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<200 {
                group.addTask {
                    try await queue.run { _ in
                        inside.enter()
                        await Task.yield()
                        inside.leave()
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(inside.most == 1)
    }

    @Test("a cancelled call leaves the queue, and the others run") func cancellation() async throws {
        let queue = CallQueue()
        let (gate, open) = AsyncStream<Void>.makeStream()
        let holder = Task { try await queue.run { _ in for await _ in gate { return } } }
        // Until the holder is inside, a waiter could be first.
        while !(await queue.isTaken) { await Task.yield() }
        let cancelled = Task { try await queue.run { _ in 1 } }
        let waiting = Task { try await queue.run { _ in 2 } }
        cancelled.cancel()
        await expectError(.cancelled) { try await cancelled.value }
        open.yield()
        try await holder.value
        #expect(try await waiting.value == 2)

        let beforehand = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await queue.run { _ in 3 }
        }
        _ = await #expect(throws: ClientError.self) { try await beforehand.value }
        #expect(try await queue.run { _ in 4 } == 4)
    }

    @Test("cancelling all ends the waiting calls and marks the running one, but no later call")
    func cancelAll() async throws {
        let queue = CallQueue()
        let (gate, open) = AsyncStream<Void>.makeStream()
        let holder = Task {
            try await queue.run { turn in
                for await _ in gate { break }
                let isCancelled = turn.isCancelled
                // What is begun then ends at once.
                let sleeping: Void? = try? await turn.run { () throws(ClientError) in
                    try await Exchange.sleep(.seconds(1000))
                }
                return isCancelled && sleeping == nil
            }
        }
        while !(await queue.isTaken) { await Task.yield() }
        let waiting = (0..<3).map { _ in Task { try await queue.run { _ in } } }
        try await Task.sleep(for: .milliseconds(50))
        queue.cancelAll()
        for task in waiting { await expectError(.cancelled) { try await task.value } }
        let later = Task { try await queue.run { $0.isCancelled } }
        open.yield()
        #expect(try await holder.value)
        #expect(try await later.value == false)

        let sleeping = Task {
            try await queue.run { turn throws(ClientError) in
                try await turn.run { () throws(ClientError) in try await Exchange.sleep(.seconds(1000)) }
            }
        }
        while !(await queue.isTaken) { await Task.yield() }
        queue.cancelAll()
        await expectError(.cancelled) { try await sleeping.value }
    }

    @Test("a call that throws lets the next one run") func errors() async throws {
        let queue = CallQueue()
        await expectError(.timedOut) {
            try await queue.run { _ throws(ClientError) in throw ClientError(.timedOut, "") }
        }
        #expect(try await queue.run { _ in true })
    }
}

private final class Count: Sendable {
    private let state = Mutex((now: 0, most: 0))

    var most: Int { state.withLock { $0.most } }

    func enter() {
        state.withLock {
            $0.now += 1
            $0.most = max($0.most, $0.now)
        }
    }

    func leave() { state.withLock { $0.now -= 1 } }
}

extension CallQueue {
    fileprivate var isTaken: Bool {
        get async {
            let entered = Task { try await self.run { _ in } }
            try? await Task.sleep(for: .milliseconds(20))
            entered.cancel()
            do {
                try await entered.value
                return false
            } catch {
                return true
            }
        }
    }
}
