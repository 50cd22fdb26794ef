import Dispatch
import Foundation
import NIOCore
import NIOPosix
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Receiver

@Suite("Write queue", .timeLimit(.minutes(3)))
final class WriteQueueTests: Sendable {
    private let directory: TemporaryDirectory
    private let opened: Directory
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let queue: WriteQueue

    init() throws {
        directory = try TemporaryDirectory()
        opened = try Directory(creatingAt: directory.path)
        queue = WriteQueue(threadPool: pool, syncPool: pool, budget: BufferBudget())
        pool.start()
    }

    deinit { pool.shutdownGracefully { _ in } }

    private func file() throws -> TemporaryFile { try TemporaryFile(in: opened, kind: .hidden) }

    private func write(_ bytes: ByteBuffer, to file: TemporaryFile) async throws {
        try await queue.append("cannot write a file", bytes: bytes.readableBytes) { () throws(SystemError) in
            try bytes.withUnsafeReadableBytes { bytes throws(SystemError) in _ = try file.write(bytes) }
        }
    }

    /// Blocks the thread that writes, until the result is signalled.
    private func block() -> DispatchSemaphore {
        let gate = DispatchSemaphore(value: 0)
        pool.submit { _ in gate.wait() }
        return gate
    }

    @Test("bytes are written in order") func order() async throws {
        let files = [try file(), try file()]
        var expected = [Data(), Data()]
        for number in 0..<5000 {
            let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: number % 700)
            try await write(ByteBuffer(bytes: bytes), to: files[number % 2])
            try await write(ByteBuffer(string: "|"), to: files[number % 2])
            expected[number % 2] += bytes + [UInt8(ascii: "|")]
        }
        try await queue.drain()
        for (index, file) in files.enumerated() {
            try file.move(to: "\(index)", in: opened)
            #expect(try directory.read("\(index)") == expected[index])
        }
    }

    @Test("a failure is reported, and nothing is written after it") func failure() async throws {
        let (closed, good) = (try file(), try file())
        try closed.close()
        try? await write(ByteBuffer(string: "a"), to: closed)
        await #expect(throws: StorageError.self) { try await queue.drain() }
        await #expect(throws: StorageError.self) { try await write(ByteBuffer(string: "b"), to: good) }
        await queue.cancel()
        try good.move(to: "good", in: opened)
        #expect(try directory.read("good").isEmpty)
    }

    @Test("a slow disk stops the sender after 1 MiB") func backPressure() async throws {
        let (file, gate) = (try file(), block())
        let appended = Mutex(0)
        let task = Task { [self] in
            for _ in 0..<64 {
                try await write(ByteBuffer(repeating: 1, count: 128 * 1024), to: file)
                appended.withLock { $0 += 1 }
            }
            try await queue.drain()
        }
        try await Task.sleep(for: .milliseconds(200))
        #expect(appended.withLock { $0 } == 8, "at most 1 MiB and one more piece are unwritten")
        gate.signal()
        try await task.value
        try file.move(to: "x", in: opened)
        #expect(try directory.read("x").count == 64 * 128 * 1024)
    }

    @Test("cancelled bytes are not written") func cancel() async throws {
        let (file, gate) = (try file(), block())
        try await write(ByteBuffer(string: "a"), to: file)
        let task = Task { [queue] in await queue.cancel() }
        try await Task.sleep(for: .milliseconds(50))
        gate.signal()
        await task.value
        try file.move(to: "x", in: opened)
        #expect(try directory.read("x").isEmpty)
    }

    @Test("waiting ends when the task is cancelled") func cancelledTask() async throws {
        let (file, gate) = (try file(), block())
        defer { gate.signal() }
        let task = Task { [self] in
            try await write(ByteBuffer(string: "a"), to: file)
            try await queue.drain()
        }
        try await Task.sleep(for: .milliseconds(50))
        task.cancel()
        await #expect(throws: StorageError.self) { try await task.value }
    }

    @Test("operations that wait for the disk run on threads of their own, in order") func twoPools() async throws {
        let syncPool = NIOThreadPool(numberOfThreads: 1)
        syncPool.start()
        defer { syncPool.shutdownGracefully { _ in } }
        let queue = WriteQueue(threadPool: pool, syncPool: syncPool, budget: BufferBudget())
        let order = Mutex<[Int]>([])
        let gate = DispatchSemaphore(value: 0)
        for number in 0..<6 {
            try await queue.append("", number % 3 == 2 ? .forDisk : .briefly) {
                if number == 2 { gate.wait() }
                order.withLock { $0.append(number) }
            }
        }
        // The other pool has no other thread: this would hang if it were blocked.
        #expect(try await pool.runIfActive { 1 } == 1)
        gate.signal()
        try await queue.drain()
        #expect(order.withLock { $0 } == [0, 1, 2, 3, 4, 5])
    }
}
