import ContentCoding
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import HTTPStreaming

/// Files whose content is not in memory, and file systems that hang.
@Suite("FileSource", .serialized, .timeLimit(.minutes(3)))
struct FileSourceTests {
    private let recorder = Recorder()
    private let server: FaultServer

    init() throws { server = try FaultServer(recorder.serve) }

    /// Has the kernel forget what it knows of a file.
    private func evict(_ path: String) {
        let descriptor = open(path, O_RDONLY)
        fsync(descriptor)
        #if os(Linux)
        posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        #endif
        close(descriptor)
    }

    /// Whether reading there would wait for a disk.
    private func isCold(_ path: String, at offset: Int64) throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let file = try OpenFile(path: Path(path))
        return try buffer.withUnsafeMutableBytes { try file.readCached(into: $0, at: offset) } == nil
    }

    @Test("a file that is not in the page cache is read by another thread and arrives whole") func cold() async throws {
        // Not in memory, as /tmp may be.
        let directory = try TemporaryDirectory(in: FileManager.default.currentDirectoryPath)
        let content = bottles(20_000_000)
        let path = try directory.write(content, to: "f")
        evict(path)
        let wasCold = try isCold(path, at: 8_000_000)
        if !wasCold { print("SKIPPED: this file system keeps files in memory, or cannot tell") }
        evict(path)
        let client = try Client(.post, server.url)
        _ = try await client.send(.file(path), .file(path, range: 5_000_001..<5_000_002), .file(path).gzipped(level: 1))
        let parts = try receivedParts(of: recorder.request(0))
        #expect(parts[0].content == content)
        #expect(parts[1].content == [content[5_000_001]])
        #expect(try Coding.gzip.decode(parts[2].content) == content)
        // Now it is there.
        #expect(try !wasCold || !isCold(path, at: 8_000_000))
    }

    @Test("a cold file that changes or shrinks while it is sent is an error that names it")
    func coldChanges() async throws {
        let directory = try TemporaryDirectory(in: FileManager.default.currentDirectoryPath)
        for isCut in [true, false] {
            let gate = Gate()
            let server = try stallingServer(until: gate)
            let path = try directory.write([UInt8](repeating: 1, count: 32 << 20), to: "f")
            evict(path)
            let client = try Client(.post, server.url)
            let task = Task { try await client.send(.file(path)) }
            #expect(try await eventually { server.accepted == 1 })
            try await Task.sleep(for: .milliseconds(200))
            #expect(truncate(path, isCut ? 20 << 20 : 33 << 20) == 0)
            evict(path)
            gate.open()
            let error = await expectError(.sourceChanged) { try await task.value }
            let reason = isCut ? "the file ended after \(20 << 20) of \(32 << 20) bytes" : "the file was changed"
            #expect(error?.message.hasPrefix("\(path): \(reason)") == true, "\(error.debugDescription)")
        }
    }

    @Test("of a thousand files only a few are open at a time") func manyFiles() async throws {
        let directory = try TemporaryDirectory()
        let paths = try (0..<1000).map { try directory.write(bottles(100 + $0), to: "\($0)") }
        let most = Shared(0)
        let isOver = Shared(false)
        let folder = directory.path + "/"
        Thread.detachNewThread {
            while !isOver.value {
                let count = (try? openDescriptors { $0.hasPrefix(folder) }) ?? .max
                most.update { $0 = max($0, count) }
                usleep(1000)
            }
        }
        let client = try Client(.post, server.url)
        let response = try await client.send(paths.map { .file($0) })
        isOver.set(true)
        #expect(response.status == 201)
        #expect(recorder.request(0).body.count > (100..<1100).reduce(0, +))
        #expect((1...3).contains(most.value))
        #expect(recorder.request(0).head["content-length"] == "\(recorder.request(0).body.count)")
    }

    @Test(
        "a file system that hangs delays no other client, and the send can be cancelled",
        .enabled("SKIPPED: it needs Linux, root, python3 and /dev/fuse") { HangingFileSystem.obstacle == nil },
        arguments: [HangingFileSystem.Operation.open, .read, .flush])
    func hangs(operation: HangingFileSystem.Operation) async throws {
        let size = 3_000_000
        let files = try await HangingFileSystem(size: size)
        defer { files.end() }
        let path = files.path
        let client = try Client(.post, server.url)
        _ = try await client.send(.file(path))
        #expect(try receivedParts(of: recorder.request(0)).map(\.content) == [[UInt8](repeating: 0, count: size)])
        evict(path)
        try files.hang(operation)
        // More than there are agents.
        let tasks = try (0..<6).map { _ in
            let client = try Client(.post, server.url)
            return Task { try await client.send(.file(path)).status }
        }
        #expect(try await eventually { try files.hasHeld(operation) })
        try await Task.sleep(for: .milliseconds(300))
        for _ in 0..<8 {
            let client = try Client(.post, server.url)
            #expect(try await client.send(Part("file", .bytes(bottles(100_000)))).status == 201)
        }
        if operation == .read {
            tasks[0].cancel()
            await expectError(.cancelled) { try await tasks[0].value }
        }
        try files.goOn()
        for task in tasks.dropFirst(operation == .read ? 1 : 0) { #expect(try await task.value == 201) }
    }
}
