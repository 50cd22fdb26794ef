import Foundation
import NIOCore
import TestSupport
import Testing

@testable import Receiver

@Suite(.timeLimit(.minutes(1))) struct DirectoryStorageTests {
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

    @Test(arguments: [TemporaryFile.Kind.unnamed, .hidden])
    func nothingIsVisibleBeforeItIsPublished(kind: TemporaryFile.Kind) async throws {
        let directory = try TemporaryDirectory()
        let storage = try DirectoryStorage(path: directory.path, kind: kind)
        var transaction = try await transaction(storage, [("a", "1"), ("b", "2")])
        #expect(try directory.contents().allSatisfy { $0.hasPrefix(TemporaryFile.namePrefix) })
        #expect(try await transaction.publish() == ["a", "b"])
        #expect(try directory.contents() == ["a", "b"])
        await transaction.abandon()
        #expect(try directory.contents() == ["a", "b"])
    }

    @Test(arguments: [TemporaryFile.Kind.unnamed, .hidden])
    func abandonedFilesAreGone(kind: TemporaryFile.Kind) async throws {
        let directory = try TemporaryDirectory()
        let storage = try DirectoryStorage(path: directory.path, kind: kind)
        var transaction = try await transaction(storage, [("a", "1")])
        // In a cancelled task, too.
        await Task {
            withUnsafeCurrentTask { $0?.cancel() }
            await transaction.abandon()
        }.value
        #expect(try directory.contents().isEmpty)
    }

    @Test(arguments: [TemporaryFile.Kind.unnamed, .hidden])
    func whenOneCannotBePublishedNoneIs(kind: TemporaryFile.Kind) async throws {
        let outer = try TemporaryDirectory()
        let storage = try DirectoryStorage(path: outer.path("d"), kind: kind)
        // A file without a link cannot be linked again: this is what an I/O error looks like.
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

    @Test func leftoversOfKilledProcessesAreRemoved() async throws {
        let directory = try TemporaryDirectory()
        try directory.write([1], to: TemporaryFile.namePrefix + "leftover")
        try directory.write([1], to: "kept")
        // Of a process that lives.
        let live = try TemporaryFile(in: Directory(creatingAt: directory.path), kind: .hidden)
        _ = try DirectoryStorage(path: directory.path)
        #expect(try directory.contents().count == 2)
        #expect(try directory.contents().contains("kept"))
        try live.publish(as: "live")
        live.close()
        #expect(try directory.contents() == ["kept", "live"])
    }

    @Test func directoriesAreMade() throws {
        let directory = try TemporaryDirectory()
        _ = try DirectoryStorage(path: directory.path("a/b//c/"))
        #expect(FileManager.default.fileExists(atPath: directory.path("a/b/c")))
        #expect(throws: StorageError.self) { try DirectoryStorage(path: directory.write([], to: "file")) }
        #expect(throws: StorageError.self) { try DirectoryStorage(path: directory.path("file/x")) }
    }
}
