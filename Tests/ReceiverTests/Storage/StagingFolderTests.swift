import Foundation
import NIOCore
import Platform
import TestSupport
import Testing

@testable import Receiver

@Suite("Staging folders", .timeLimit(.minutes(3)))
struct StagingFolderTests {
    private let outer: TemporaryDirectory
    private let directory: Directory

    init() throws {
        outer = try TemporaryDirectory()
        directory = try Directory(creatingAt: outer.path)
    }

    /// A staging folder of a killed process, with the files a, b and c, of which the first is published.
    private func leftover(recording names: [String]?) throws {
        let folder = try StagingFolder(in: directory)
        for (index, content) in ["a", "b", "c"].enumerated() {
            let file = try TemporaryFile(named: StagingFolder.fileName(index), in: folder.directory)
            _ = try Array(content.utf8).withUnsafeBytes { try file.write($0) }
        }
        guard let names else { return }
        try folder.record(names.map { FileName(cleaning: $0) }, .full)
        try folder.publish(0, as: names[0], in: directory)
    }

    /// Starts again while leftovers are locked: a process that another test starts at this moment has copies of this process's
    /// descriptors until it executes its program.
    private func start(_ durability: Durability = .full) throws {
        for _ in 0..<200 {
            _ = try DirectoryStorage(path: outer.path, durability: durability)
            if try directory.names(startingWith: TemporaryFile.namePrefix).isEmpty { return }
            usleep(20_000)
        }
    }

    @Test("the names that a killed process had recorded are given at the next start", arguments: Durability.allCases)
    func finished(durability: Durability) throws {
        try leftover(recording: ["x.txt", "ü\u{2028} y", "x.txt"])
        try start(durability)
        #expect(try outer.contents() == ["x (1).txt", "x.txt", "ü\u{2028} y"])
        #expect(try outer.read("x.txt") == Data("a".utf8))
        #expect(try outer.read("ü\u{2028} y") == Data("b".utf8))
        #expect(try outer.read("x (1).txt") == Data("c".utf8))
    }

    @Test("without complete names everything is removed") func removed() throws {
        try leftover(recording: nil)
        try FileManager.default.createDirectory(
            atPath: outer.path(TemporaryFile.namePrefix + "empty"), withIntermediateDirectories: false)
        let bytes = IntendedNames(["a", "b"].map { FileName(cleaning: $0) }).bytes
        for count in 0..<bytes.count {
            #expect(IntendedNames(bytes: Array(bytes[..<count])) == nil)
            guard count % 5 == 0 else { continue }
            let folder = TemporaryFile.namePrefix + "\(count)"
            try FileManager.default.createDirectory(atPath: outer.path(folder), withIntermediateDirectories: false)
            try outer.write(bytes[..<count], to: folder + "/names")
            try outer.write([1], to: folder + "/0")
        }
        #expect(IntendedNames(bytes: bytes)?.names.map { $0.numbered(0) } == ["a", "b"])
        try start()
        #expect(try outer.contents().isEmpty)
    }

    @Test("the folder of a running request is left alone") func running() async throws {
        let storage = try DirectoryStorage(path: outer.path)
        var transaction = storage.begin()
        for name in ["a", "b"] {
            try await transaction.beginFile(named: name)
            try await transaction.write([ByteBuffer(string: name)])
            try await transaction.endFile()
        }
        _ = try DirectoryStorage(path: outer.path)
        #expect(try await transaction.publish().map { $0?.name } == ["a", "b"])
        #expect(try outer.contents() == ["a", "b"])
    }

    @Test("if the request fails while names are given, the next start does not give the others") func discarded() throws
    {
        var files: UnpublishedFiles? = UnpublishedFiles(
            in: try StorageFolder(path: outer.path, kind: .unnamed, .full))
        for content in ["a", "b", "c"] {
            try files?.begin()
            try files?.write([ByteBuffer(string: content)]) { _ in }
            files?.end()
        }
        let names = ["x", "y", "z"].map { FileName(cleaning: $0) }
        try files?.record(names)
        #expect(try files?.publish(names, limit: 1) == false)
        #expect(try outer.contents().filter { !$0.hasPrefix(".") } == ["x"])
        #expect(files?.discard(limit: 1) == false)
        // The lock of the folder ends, as if the process were killed.
        files = nil
        _ = try DirectoryStorage(path: outer.path)
        #expect(try outer.contents().isEmpty)
    }

    @Test("a sweep completes what a killed process has left, but not what has changed lately")
    func sweep() async throws {
        try leftover(recording: ["x.txt", "y.txt", "z.txt"])
        let numbers = NumberedNames()
        func sweep(_ age: Int) throws {
            try Leftovers.remove(from: directory, unchangedFor: age, naming: numbers, durability: .full)
        }
        try sweep(3600)
        #expect(try !directory.names(startingWith: TemporaryFile.namePrefix).isEmpty)
        try await Task.sleep(for: .milliseconds(1100))
        // See `start` above.
        for _ in 0..<200 where try !directory.names(startingWith: TemporaryFile.namePrefix).isEmpty {
            try sweep(1)
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(try outer.contents().sorted() == ["x.txt", "y.txt", "z.txt"])
    }

    @Test("a sweep leaves alone what a living process uses") func sweepBesideOwner() throws {
        let folder = try StagingFolder(in: directory)
        try Leftovers.remove(from: directory, naming: NumberedNames(), durability: .full)
        #expect(folder.directory.isNamed(try #require(outer.contents().first), in: directory))
    }
}
