import Foundation
import NIOCore
import Platform
import TestSupport
import Testing

@testable import Receiver

@Suite("Directory storage", .timeLimit(.minutes(1)))
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
        #expect(try await transaction.publish() == ["a", "b"])
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
        let outer = try TemporaryDirectory()
        let storage = try DirectoryStorage(path: outer.path("d"), kind: kind)
        // Publishing a closed file fails as it does after an I/O error.
        let directory = try Directory(creatingAt: outer.path("d"))
        let good = try TemporaryFile(in: directory, kind: kind)
        let closed = try TemporaryFile(in: directory, kind: kind)
        closed.close()
        #expect(throws: SystemError.self) {
            try DirectoryStorage.Transaction.publish(
                [(FileName(cleaning: "a"), good), (FileName(cleaning: "b"), closed)], in: directory
            )
        }
        good.close()
        #expect(try FileManager.default.contentsOfDirectory(atPath: outer.path("d")).isEmpty)
        _ = storage
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
        try live.publish(as: "live")
        live.close()
        #expect(try directory.contents() == ["kept", "live"])
    }

    @Test("missing directories are created; a file in the way is an error") func creating() throws {
        let directory = try TemporaryDirectory()
        _ = try DirectoryStorage(path: directory.path("a/b//c/"))
        #expect(FileManager.default.fileExists(atPath: directory.path("a/b/c")))
        #expect(throws: StorageError.self) { try DirectoryStorage(path: directory.write([], to: "file")) }
        #expect(throws: StorageError.self) { try DirectoryStorage(path: directory.path("file/x")) }
    }
}
