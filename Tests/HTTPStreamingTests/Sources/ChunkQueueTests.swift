import Foundation
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("ChunkQueue", .timeLimit(.minutes(3)))
struct ChunkQueueTests {
    private func read(_ queue: ChunkQueue, _ count: Int) throws -> (outcome: ReadOutcome, bytes: [UInt8]) {
        var buffer = [UInt8](repeating: 0xFF, count: count)
        let outcome = try buffer.withUnsafeMutableBytes { try queue.read(into: $0) }
        guard case .bytes(let filled) = outcome else { return (outcome, []) }
        return (outcome, Array(buffer[..<filled]))
    }

    @Test("the agent is notified once each time it found the queue empty, and of the end") func news() async throws {
        let told = Shared(0)
        let queue = ChunkQueue { told.update { $0 += 1 } }
        for byte in 0..<5 { #expect(await queue.append([UInt8(byte)])) }
        #expect(told.value == 0)
        #expect(try read(queue, 3).bytes == [0, 1, 2])
        #expect(try read(queue, 3).bytes == [3, 4])
        #expect(try read(queue, 3).outcome == .waiting)
        for byte in 0..<5 { #expect(await queue.append([UInt8(byte)])) }
        #expect(told.value == 1)
        queue.finish()
        #expect(told.value == 2)
        #expect(queue.level == (5, true))
        #expect(try read(queue, 10).bytes == [0, 1, 2, 3, 4])
        #expect(try read(queue, 10).outcome == .end)
        #expect(try read(queue, 10).outcome == .end)
    }

    @Test("empty chunks have no effect") func empty() async throws {
        let queue = ChunkQueue {}
        #expect(await queue.append([]))
        #expect(try read(queue, 1).outcome == .waiting)
        queue.close()
        #expect(!(await queue.append([])))
        #expect(!(await queue.append([1])))
    }

    @Test("the task waits above 64 KiB until the queue has drained; closing ends the wait")
    func lowWater() async throws {
        let queue = ChunkQueue {}
        let appended = Shared(0)
        let task = Task {
            while await queue.append([UInt8](repeating: 1, count: 40 << 10)[...]) { appended.update { $0 += 1 } }
        }
        #expect(try await eventually { queue.level.bytes == 80 << 10 })
        try await Task.sleep(for: .milliseconds(50))
        #expect(appended.value == 1)
        #expect(try read(queue, 16 << 10).bytes.count == 16 << 10)
        try await Task.sleep(for: .milliseconds(50))
        #expect(appended.value == 1)
        #expect(try read(queue, 1).bytes.count == 1)
        #expect(try await eventually { appended.value == 2 })
        queue.close()
        await task.value
        #expect(queue.level.bytes == 0)
    }

    @Test("an error is reported at once, before data queued earlier") func failure() async throws {
        let queue = ChunkQueue {}
        #expect(await queue.append([1, 2, 3]))
        queue.finish(throwing: FaultError("broken"))
        #expect(throws: FaultError.self) { try self.read(queue, 10) }
        #expect(throws: FaultError.self) { try self.read(queue, 10) }
    }

    @Test("a task and a reader at full speed lose no data and no wake-up") func race() async throws {
        print("seed \(SeededGenerator.seed)")
        for number in 0..<30 {
            let news = DispatchSemaphore(value: 0)
            let queue = ChunkQueue { news.signal() }
            let content = bottles(200_000)
            async let reader = RawConnection.onThread {
                var received: [UInt8] = []
                var generator = SeededGenerator(case: number)
                while true {
                    let (outcome, bytes) = try read(queue, .random(in: 1...50_000, using: &generator))
                    received += bytes
                    if outcome == .end { return received }
                    guard outcome == .waiting else { continue }
                    guard news.wait(timeout: .now() + 20) == .success else { throw FaultError("a wake-up was lost") }
                }
            }
            var generator = SeededGenerator(case: 1000 + number)
            var rest = content[...]
            while !rest.isEmpty {
                let chunk = rest.prefix(.random(in: 0...5000, using: &generator))
                rest = rest.dropFirst(chunk.count)
                #expect(await queue.append(chunk))
            }
            queue.finish()
            #expect(try await reader == content)
        }
    }
}
