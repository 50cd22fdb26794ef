import Foundation
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Receiver

@Suite("Health of the storage", .timeLimit(.minutes(2)))
struct StorageHealthTests {
    private func statuses(_ server: RunningServer) async throws -> (health: Int, error: String, put: Int) {
        let health = try await server.request("GET", "/health")
        let put = try await server.request("PUT", "/new", body: [1])
        return (health.status, try Answer(health.body.utf8).error ?? "", put.status)
    }

    /// The storage is asked again after a second.
    private func whenAskedAgain(_ server: RunningServer) async throws -> (health: Int, error: String, put: Int) {
        try await Task.sleep(for: .milliseconds(1100))
        return try await statuses(server)
    }

    @Test(
        "a directory that was removed makes the server unhealthy; one made again is used",
        arguments: [TemporaryFile.Kind.unnamed, .hidden])
    func removed(kind: TemporaryFile.Kind) async throws {
        let outer = try TemporaryDirectory()
        let path = outer.path("up")
        try await RunningServer.with(storage: { _ in try DirectoryStorage(path: path, kind: kind) }) { server in
            #expect(try await statuses(server) == (200, "", 201))
            try FileManager.default.removeItem(atPath: path)
            let without = try await whenAskedAgain(server)
            #expect(without.health == 503)
            #expect(without.error == "the directory cannot be opened: No such file or directory")
            #expect(without.put == 500)
            #expect(try await server.get("/files").status == 500)
            #expect(try outer.contents().isEmpty, "it may belong to a disk that is not mounted")
            for _ in 0..<2 {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
                #expect(try await whenAskedAgain(server) == (200, "", 201))
                #expect(try await server.get("/files/new").content == [1])
                #expect(String(decoding: try await server.get("/files").content, as: UTF8.self).contains("\"new\""))
                #expect(try FileManager.default.contentsOfDirectory(atPath: outer.path("up")) == ["new"])
                try FileManager.default.removeItem(atPath: path)
            }
        }
    }

    @Test("an upload whose directory is removed and made again meanwhile is not reported as stored")
    func removedMeanwhile() async throws {
        let outer = try TemporaryDirectory()
        let storage = try DirectoryStorage(path: outer.path("up"))
        var transaction = storage.begin()
        try await transaction.beginFile(named: "a")
        try await transaction.write([ByteBuffer(string: "1")])
        try await transaction.endFile()
        try FileManager.default.removeItem(atPath: outer.path("up"))
        try FileManager.default.createDirectory(atPath: outer.path("up"), withIntermediateDirectories: false)
        var stored: [String] = []
        do {
            // Only if no thread had begun to write before the directory was removed.
            stored = try await transaction.publish().compactMap { $0?.name }
        } catch {
            await transaction.abandon()
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: outer.path("up")) == stored)
    }

    #if os(Linux)
    @Test("a full or read-only file system makes the server unhealthy") func unwritable() async throws {
        guard let directory = try TemporaryDirectory(size: "64k") else { try Test.cancel("no file system") }
        try await RunningServer.with(directory: directory) { server in
            #expect(try await statuses(server) == (200, "", 201))
            // Programs that other tests start must not inherit it: the file system would stay busy.
            let full = open(directory.path("full"), O_CREAT | O_WRONLY | O_CLOEXEC, 0o666)
            defer { close(full) }
            let block = [UInt8](repeating: 1, count: 4096)
            while write(full, block, block.count) > 0 {}
            let health = try await whenAskedAgain(server)
            #expect(health.health == 503)
            #expect(health.error.hasPrefix("cannot store a file: the disk is full"), "\(health.error)")
            #expect(health.put == 507)
            ftruncate(full, 0)
            #expect(try await whenAskedAgain(server) == (200, "", 200))
        }
        let remount = try await Subprocess.run("mount", ["-o", "remount,ro", directory.path])
        #expect(remount.status == 0, "\(remount.errorOutput)")
        #expect(throws: StorageError.self) { try DirectoryStorage(path: directory.path) }
    }

    @Test("a file system that becomes read-only makes the server unhealthy") func readOnly() async throws {
        guard let directory = try TemporaryDirectory(size: "1m") else { try Test.cancel("no file system") }
        try await RunningServer.with(directory: directory) { server in
            #expect(try await statuses(server) == (200, "", 201))
            #expect(try await Subprocess.run("mount", ["-o", "remount,ro", directory.path]).status == 0)
            let health = try await whenAskedAgain(server)
            #expect(health.health == 503)
            #expect(health.error == "cannot store a file: Read-only file system")
            #expect(health.put == 500)
            #expect(try await Subprocess.run("mount", ["-o", "remount,rw", directory.path]).status == 0)
            #expect(try await whenAskedAgain(server).health == 200)
        }
    }
    #endif

    @Test("a storage that hangs makes the server unhealthy in time, until it answers") func hangs() async throws {
        let storage = HangingStorage()
        let health = StorageHealth(storage, deadline: .milliseconds(300))
        // Without the deadline the check would end only now, and succeed.
        let late = Task {
            try await Task.sleep(for: .seconds(20))
            storage.answer()
        }
        defer { late.cancel() }
        for _ in 0..<3 {
            let error = await #expect(throws: StorageError.self) { try await health.check() }
            #expect(error?.message.hasPrefix("the storage has not answered for ") == true)
        }
        #expect(storage.checks == 1, "it is not asked again before it has answered")
        storage.answer()
        let isHealthy = try await eventually { (try? await health.check()) != nil }
        #expect(isHealthy)
    }

    @Test("many requests ask the storage once") func once() async throws {
        let storage = HangingStorage()
        storage.answer()
        try await RunningServer.with(storage: { _ in storage }) { server in
            let began = ContinuousClock.now
            try await withThrowingTaskGroup(of: Int.self) { tasks in
                for _ in 0..<50 { tasks.addTask { try await server.request("GET", "/health").status } }
                for try await status in tasks { #expect(status == 200) }
            }
            let seconds = Int((ContinuousClock.now - began) / .seconds(1))
            #expect((1...1 + seconds).contains(storage.checks))
            #expect(try await server.downloads([("HEAD", "/health", [])])[0].status == 200)
        }
    }
}

/// A storage that does not answer whether it can store until it is told to.
private final class HangingStorage: Storage {
    private struct State {
        var hangs = true
        var checks = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    var checks: Int { state.withLock { $0.checks } }

    func answer() {
        let waiters = state.withLock { state in
            state.hangs = false
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func check() async {
        await withCheckedContinuation { waiter in
            let hangs = state.withLock { state in
                state.checks += 1
                if state.hangs { state.waiters.append(waiter) }
                return state.hangs
            }
            if !hangs { waiter.resume() }
        }
    }

    var keepsPaths: Bool { false }

    func begin() -> any StorageTransaction { DiscardStorage().begin() }
    func files(after name: String?, limit: Int) -> StoredFilePage { StoredFilePage(files: [], last: nil) }
    func open(_ name: String) -> (any StoredFileReader)? { nil }
}
