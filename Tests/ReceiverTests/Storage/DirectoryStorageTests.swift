import Foundation
import NIOCore
import Platform
import TestSupport
import Testing

@testable import Receiver

@Suite("Directory storage", .timeLimit(.minutes(3)))
struct DirectoryStorageTests {
    private func transaction(_ storage: any Storage, _ files: [(String, String)]) async throws -> any StorageTransaction
    {
        var transaction = storage.begin()
        for (name, content) in files {
            try await transaction.beginFile(named: name)
            try await transaction.write([ByteBuffer(string: content)])
            try await transaction.endFile()
        }
        return transaction
    }

    @Test("files are invisible until they are published", arguments: [TemporaryFile.Kind.unnamed, .hidden])
    func publish(kind: TemporaryFile.Kind) async throws {
        let directory = try TemporaryDirectory()
        let storage = try DirectoryStorage(path: directory.path, kind: kind)
        var transaction = try await transaction(storage, [("a", "1"), ("b", "2")])
        #expect(try directory.contents().allSatisfy { $0.hasPrefix(TemporaryFile.namePrefix) })
        #expect(try await transaction.publish().map { $0?.name } == ["a", "b"])
        #expect(try directory.contents() == ["a", "b"])
        await transaction.abandon()
        #expect(try directory.contents() == ["a", "b"])
    }

    @Test("abandoned files are removed, also in a cancelled task", arguments: [TemporaryFile.Kind.unnamed, .hidden])
    func abandon(kind: TemporaryFile.Kind) async throws {
        let directory = try TemporaryDirectory()
        let storage = try DirectoryStorage(path: directory.path, kind: kind)
        var transaction = try await transaction(storage, [("a", "1")])
        // Works in a cancelled task too.
        await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await transaction.abandon()
        }.value
        #expect(try directory.contents().isEmpty)
    }

    @Test("if one file cannot be published, none is", arguments: [TemporaryFile.Kind.unnamed, .hidden])
    func allOrNone(kind: TemporaryFile.Kind) async throws {
        let directory = try TemporaryDirectory()
        let storage = try DirectoryStorage(path: directory.path, kind: kind)
        let files = (0..<100).map { ("\($0)", "\($0)") }
        var transaction = try await transaction(storage, files)
        // The 71st file is missing, as after an error of the file system. The first job has named 64 files by then.
        let folder = try #require(try directory.contents().first)
        let path = directory.path("\(folder)/70")
        #expect(try await eventually { FileManager.default.fileExists(atPath: path) })
        try FileManager.default.removeItem(atPath: path)
        await #expect(throws: StorageError.self) { try await transaction.publish() }
        await transaction.abandon()
        #expect(try directory.contents().isEmpty)
    }

    @Test("files of a request that were given the same name get numbers in order") func sameName() async throws {
        let directory = try TemporaryDirectory()
        let storage = try DirectoryStorage(path: directory.path)
        var transaction = try await transaction(storage, (0..<100).map { ("a.txt", "\($0)") })
        let names = try await transaction.publish().map { $0?.name }
        #expect(names == ["a.txt"] + (1..<100).map { "a (\($0)).txt" })
        #expect(try directory.contents().count == 100)
        for (index, name) in names.enumerated() {
            #expect(try directory.read(try #require(name)) == Data("\(index)".utf8))
        }
    }

    @Test("a request of many files has only a few of them open", arguments: Durability.allCases)
    func openFiles(durability: Durability) async throws {
        let directory = try TemporaryDirectory()
        let storage = try DirectoryStorage(path: directory.path, durability: durability)
        var most = 0
        var transaction = storage.begin()
        for number in 0..<200 {
            try await transaction.beginFile(named: "\(number)")
            try await transaction.write([ByteBuffer(string: "x")])
            try await transaction.endFile()
            most = max(most, try Self.openFiles(below: directory.path))
        }
        // The directory itself, the staging folder, the complete files, and one that begins.
        #expect(most <= (durability == .full ? 20 : 4))
        #expect(try await transaction.publish().count == 200)
        #expect(try Self.openFiles(below: directory.path) == 1)
        #expect(try directory.contents().count == 200)
    }

    private static func openFiles(below path: String) throws -> Int {
        let folder = "/proc/self/fd"
        return try FileManager.default.contentsOfDirectory(atPath: folder).count { descriptor in
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(descriptor)")
            return target?.hasPrefix(path) == true
        }
    }

    @Test("requests wait until others have closed their files, and then get an error") func manyRequests() async throws
    {
        let directory = try TemporaryDirectory()
        let limit = OpenFileLimit(descriptors: 3, timeout: .milliseconds(200))
        let storage = try DirectoryStorage(path: directory.path, kind: .unnamed, openFiles: limit)
        var first = try await transaction(storage, [("a", "1")])
        var second = try await transaction(storage, [("b", "1"), ("c", "1")])
        let error = await #expect(throws: StorageError.self) { _ = try await transaction(storage, [("d", "1")]) }
        #expect(error?.code == .noResources)
        let third = Task { try await transaction(storage, [("e", "1")]) }
        #expect(try await first.publish().map { $0?.name } == ["a"])
        var admitted = try await third.value
        #expect(try await admitted.publish().map { $0?.name } == ["e"])
        await second.abandon()
        let cancelled = Task { try await OpenFileLimit(descriptors: 0).admit() }
        cancelled.cancel()
        await #expect(throws: StorageError.self) { _ = try await cancelled.value }
        #expect(try directory.contents() == ["a", "e"])
    }

    @Test("downloads wait until others have closed their files, and then get an error") func manyReaders() async throws
    {
        let directory = try TemporaryDirectory()
        try directory.write([1], to: "a")
        let limit = OpenFileLimit(of: "downloads", descriptors: 2, timeout: .seconds(1))
        let storage = try DirectoryStorage(path: directory.path, kind: .unnamed, readers: limit)
        let first = try await storage.open("a")
        var second = try await storage.open("a")
        let error = await #expect(throws: StorageError.self) { _ = try await storage.open("none") }
        #expect(error?.code == .noResources)
        #expect(error?.message == "too many downloads at the same time")
        let third = Task { try await storage.open("a")?.read(at: 0, count: 1).readableBytes }
        second = nil
        #expect(try await third.value == 1)
        // A name without a file takes no place.
        #expect(try await storage.open("none") == nil)
        withExtendedLifetime((first, second)) {}
    }

    @Test("files of killed processes are removed, those of running ones are not") func leftovers() async throws {
        let directory = try TemporaryDirectory()
        try directory.write([1], to: TemporaryFile.namePrefix + "leftover")
        try directory.write([1], to: "kept")
        // The file of a running process.
        let live = try TemporaryFile(in: Directory(creatingAt: directory.path), kind: .hidden)
        _ = try DirectoryStorage(path: directory.path)
        #expect(try directory.contents().count == 2)
        #expect(try directory.contents().contains("kept"))
        try live.move(to: "live", in: Directory(creatingAt: directory.path))
        try live.close()
        #expect(try directory.contents() == ["kept", "live"])
    }

    @Test("missing directories are created; a file in the way is an error") func creating() throws {
        let directory = try TemporaryDirectory()
        _ = try DirectoryStorage(path: directory.path("a/b//c/"))
        #expect(FileManager.default.fileExists(atPath: directory.path("a/b/c")))
        #expect(throws: StorageError.self) { try DirectoryStorage(path: directory.write([], to: "file")) }
        #expect(throws: StorageError.self) { try DirectoryStorage(path: directory.path("file/x")) }
    }

    @Test("a sweep removes what a killed process has left beside the answer of an upload, and nothing of other uploads")
    func answered() async throws {
        let directory = try TemporaryDirectory()
        let storage = try DirectoryStorage(path: directory.path)
        var folders: [String] = []
        for isAnswered in [true, false] {
            let id = UploadID()
            try await storage.create(id, request: [1]).suspend()
            if isAnswered { try await storage.complete(id, answer: [2]) }
            let folder = UnfinishedFolder.namePrefix + id.description
            for name in ["0", "body", "coded", "publication"] { try directory.write([3], to: "\(folder)/\(name)") }
            folders.append(folder)
        }
        try await storage.removeLeftovers()
        let left = try folders.map { try FileManager.default.contentsOfDirectory(atPath: directory.path($0)).sorted() }
        #expect(left == [["answer", "request"], ["0", "body", "coded", "publication", "request"]])
    }
}
