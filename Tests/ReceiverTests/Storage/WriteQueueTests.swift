import Dispatch
import Foundation
import NIOCore
import NIOPosix
import Synchronization
import TestSupport
import Testing

@testable import Receiver

@Suite("Write queue", .timeLimit(.minutes(1)))
struct WriteQueueTests {
    @Test("bytes are written in order") func order() async throws {
        let directory = try TemporaryDirectory()
        let opened = try Directory(creatingAt: directory.path)
        let queue = WriteQueue(threadPool: .singleton, budget: BufferBudget())
        let files = try [TemporaryFile(in: opened, kind: .hidden), TemporaryFile(in: opened, kind: .hidden)]
        var expected = [Data(), Data()]
        for number in 0..<5000 {
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number % 700)
            try await queue.append([ByteBuffer(bytes: bytes), ByteBuffer(string: "|")], to: files[number % 2])
            expected[number % 2] += bytes + [UInt8(ascii: "|")]
        }
        try await queue.drain()
        for (index, file) in files.enumerated() {
            try file.publish(as: "\(index)")
            #expect(try directory.read("\(index)") == expected[index])
        }
    }

    @Test("a failure is reported, and nothing is written after it") func failure() async throws {
        let directory = try TemporaryDirectory()
        let opened = try Directory(creatingAt: directory.path)
        let queue = WriteQueue(threadPool: .singleton, budget: BufferBudget())
        let closed = try TemporaryFile(in: opened, kind: .hidden)
        closed.close()
        let good = try TemporaryFile(in: opened, kind: .hidden)
        try? await queue.append([ByteBuffer(string: "a")], to: closed)
        await #expect(throws: StorageError.self) { try await queue.drain() }
        await #expect(throws: StorageError.self) { try await queue.append([ByteBuffer(string: "b")], to: good) }
        await queue.cancel()
        try good.publish(as: "good")
        #expect(try directory.read("good").isEmpty)
    }

    @Test("a slow disk stops the sender after 1 MiB") func backPressure() async throws {
        let directory = try TemporaryDirectory()
        let file = try TemporaryFile(in: Directory(creatingAt: directory.path), kind: .hidden)
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let gate = DispatchSemaphore(value: 0)
        pool.submit { _ in gate.wait() }

        let queue = WriteQueue(threadPool: pool, budget: BufferBudget())
        let appended = Mutex(0)
        let task = Task {
            for _ in 0..<64 {
                try await queue.append([ByteBuffer(repeating: 1, count: 128 * 1024)], to: file)
                appended.withLock { $0 += 1 }
            }
            try await queue.drain()
        }
        try await Task.sleep(for: .milliseconds(200))
        #expect(appended.withLock { $0 } == 8, "at most 1 MiB and one more piece are unwritten")
        gate.signal()
        try await task.value
        try file.publish(as: "x")
        #expect(try directory.read("x").count == 64 * 128 * 1024)
        try await pool.shutdownGracefully()
    }

    @Test("cancelled bytes are not written") func cancel() async throws {
        let directory = try TemporaryDirectory()
        let file = try TemporaryFile(in: Directory(creatingAt: directory.path), kind: .hidden)
        let pool = NIOThreadPool(numberOfThreads: 1)
        pool.start()
        let gate = DispatchSemaphore(value: 0)
        pool.submit { _ in gate.wait() }
        let queue = WriteQueue(threadPool: pool, budget: BufferBudget())
        try await queue.append([ByteBuffer(string: "a")], to: file)
        let task = Task { await queue.cancel() }
        try await Task.sleep(for: .milliseconds(50))
        gate.signal()
        await task.value
        try file.publish(as: "x")
        #expect(try directory.read("x").isEmpty)
        try await pool.shutdownGracefully()
    }
}
