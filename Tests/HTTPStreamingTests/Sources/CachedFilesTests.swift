import Foundation
import Platform
import TestSupport
import Testing

@testable import HTTPStreaming

/// Files that are opened without a thread that may block. Linux only; skipped where the file system of the working directory
/// has no reads that never wait.
@Suite("CachedFiles", .timeLimit(.minutes(3)))
struct CachedFilesTests {
    private let directory: TemporaryDirectory

    /// Not in /tmp: the file systems that are in memory have a test of their own.
    init() throws { directory = try TemporaryDirectory(in: FileManager.default.currentDirectoryPath) }

    /// The path of a file that can be opened without blocking.
    private func cachedFile(_ name: String, _ content: [UInt8]) throws -> Path {
        let path = Path(try directory.write(content, to: name))
        var device: UInt64 = 0
        let isSupported = path.withCString { csystemcalls_cached_device($0, &device) } == 0
        let file = try OpenFile(path: path)
        var byte = [UInt8](repeating: 0, count: 1)
        let isRead = try byte.withUnsafeMutableBytes { try file.readCached(into: $0, at: 0) } != nil
        guard isSupported, isRead else {
            print("CachedFilesTests: SKIPPED: no openat2(2), or no reads that never wait")
            try Test.cancel("skipped: no openat2(2), or no reads that never wait")
        }
        try #require(CachedFiles.contain(path))
        return path
    }

    @Test("a file that was closed after its preparation is opened and read at once") func reopened() throws {
        let contents = (0..<3).map { bottles(1000 + $0) }
        let paths = try contents.enumerated().map { try cachedFile("\($0)", $1) }
        let preparation = Preparation(recognizesCompressed: false)
        let sources = try paths.map { try Content.file($0).prepare(preparation) }
        for (source, content) in zip(sources, contents) {
            var buffer = [UInt8](repeating: 0, count: 2000)
            let reader = try source.reader()
            #expect(try buffer.withUnsafeMutableBytes { try reader.read(into: $0) } == .bytes(content.count))
            #expect(buffer.prefix(content.count).elementsEqual(content))
        }
    }

    @Test(
        "files in memory (tmpfs) are read at once", .enabled("SKIPPED: no /dev/shm") { access("/dev/shm", W_OK) == 0 })
    func inMemory() throws {
        let directory = try TemporaryDirectory(in: "/dev/shm")
        let path = Path(try directory.write(bottles(1_000_000), to: "a"))
        let reader = try Content.file(path).prepare(Preparation(recognizesCompressed: false)).reader()
        var buffer = [UInt8](repeating: 0, count: 1_000_000)
        #expect(try buffer.withUnsafeMutableBytes { try reader.read(into: $0) } == .bytes(buffer.count))
        #expect(firstDifference(buffer, bottles(1_000_000)) == nil)
    }

    @Test("a file that was changed after its preparation is an error, as with a thread that may block")
    func changed() async throws {
        let paths = try (0..<2).map { try cachedFile("\($0)", bottles(1000)) }
        let preparation = Preparation(recognizesCompressed: false)
        let sources = try paths.map { try Content.file($0).prepare(preparation) }
        try directory.write(bottles(2000), to: "1")
        let reader = try sources[1].reader()
        await expectError(.sourceChanged) { try reader.readAll() }
    }

    @Test("one file is prepared by the caller's thread, several by another one") func preparation() async throws {
        let files = try (0..<2).map { Part.file(try cachedFile("\($0)", bottles(1000))) }
        let field = Part.field("a", "b")
        let missing = Part.file(Path(directory.path("missing")))
        for (parts, isPreparedHere) in [
            ([files[0]], true), ([field, files[0], field], true), ([field], true), ([], true),
            (files, false), ([missing], false), ([Part("pipe", .standardInput)], false),
        ] {
            let executor = CountingExecutor()
            try await Task(executorPreference: executor) {
                let before = executor.jobs.value
                try await Preparation.run(Client.Configuration(), Preparation.Blocking(of: parts)) { _ in }
                #expect((executor.jobs.value == before) == isPreparedHere, "\(parts.map(\.filename))")
            }.value
        }
    }

    @Test("content whose first bytes are read to recognize it is prepared by another thread")
    func recognized() async throws {
        let path = try cachedFile("a", bottles(1000))
        let executor = CountingExecutor()
        var configuration = Client.Configuration()
        configuration.contentCoding = .automatic
        try await Task(executorPreference: executor) { [configuration] in
            let before = executor.jobs.value
            try await Preparation.run(configuration, .toOpen(path)) { _ in }
            #expect(executor.jobs.value > before)
        }.value
    }

    @Test("sendUnclosed of such files suspends rarely") func unclosed() async throws {
        let (recorder, _, client) = try recording()
        let contents = (0..<200).map { bottles(1000 + $0) }
        let parts = try contents.enumerated().map { Part.file(try cachedFile("\($0)", $1)) }
        let executor = CountingExecutor()
        try await Task(executorPreference: executor) {
            try await client.sendUnclosed(parts[0])
            let before = executor.jobs.value
            for part in parts.dropFirst() { try await client.sendUnclosed(part) }
            // Only when the agent's thread has something to do at the same moment.
            #expect(executor.jobs.value - before < parts.count / 2)
            #expect(try await client.close().status == 201)
        }.value
        let received = try recorder.lastParts().map(\.content)
        #expect(received.count == contents.count)
        #expect(zip(received, contents).allSatisfy { $0 == $1 })
    }

    @Test("paths that lead to no file are not cached") func noFile() throws {
        _ = try cachedFile("a", [1])
        symlink("loop", directory.path("loop"))
        for name in ["missing", "a/b", "loop"] { #expect(!CachedFiles.contain(Path(directory.path(name)))) }
    }

    @Test(
        "files of a program (FUSE) are never opened without a thread that may block",
        .enabled("SKIPPED: it needs Linux, root, python3 and /dev/fuse") { HangingFileSystem.obstacle == nil })
    func program() async throws {
        let files = try await HangingFileSystem(size: 1000)
        defer { files.end() }
        let (recorder, _, client) = try recording()
        _ = try await client.send(.file(files.path), .file(files.path))
        #expect(try recorder.lastParts().map(\.content.count) == [1000, 1000])
        #expect(!CachedFiles.contain(Path(files.path)))
    }
}
