import Foundation
import NIOCore
import Synchronization
import TestSupport
import Testing

@testable import Receiver

/// What every storage promises, tried with a directory and with object stores of other projects.
@Suite("Contract of storages", .timeLimit(.minutes(5)))
struct StorageContractTests {
    enum Kind: CaseIterable {
        case directory, rclone, moto
        /// The gateway that the environment variable CEPH_ENDPOINT names: see `make test-ceph`.
        case ceph

        static var allCases: [Kind] {
            [.directory, .rclone, .moto] + (ObjectStore.cephEndpoint == nil ? [] : [.ceph])
        }

        /// Whether one of two writers of different servers sees that it is the slower one.
        var knowsConditions: Bool { self != .rclone }
    }

    /// A storage, and what keeps it alive.
    private struct Opened {
        let storage: any Storage
        let directory: TemporaryDirectory?
        let store: ObjectStore?

        init(_ kind: Kind, keepsPaths: Bool = false) async throws {
            switch kind {
            case .directory:
                let directory = try TemporaryDirectory()
                storage = try DirectoryStorage(path: directory.path, keepsPaths: keepsPaths)
                (self.directory, store) = (directory, nil)
            case .rclone, .moto, .ceph:
                let store = try await S3Storage.startStore(
                    kind == .rclone ? .rclone : kind == .moto ? .moto : .ceph)
                // The tests share one gateway.
                let folder = "folder \(UInt64.random(in: 0...UInt64.max))"
                storage = try await S3Storage.open(store, folder: folder, keepsPaths: keepsPaths)
                (directory, self.store) = (nil, store)
            }
        }

        /// Nothing is left of uploads that were not published.
        func expectClean(sourceLocation: SourceLocation = #_sourceLocation) async throws {
            if let directory {
                #expect(try directory.contents().allSatisfy { !$0.hasPrefix(".") }, sourceLocation: sourceLocation)
            }
            // rclone lists no uploads.
            if let storage = storage as? S3Storage, store?.engine != .rclone {
                #expect(try await storage.unfinishedCount() == 0, sourceLocation: sourceLocation)
                #expect(storage.reserved.withLock { $0.isEmpty }, sourceLocation: sourceLocation)
            }
        }
    }

    typealias File = (name: String, content: [UInt8])

    private func write(_ files: [File], to transaction: inout any StorageTransaction) async throws {
        for (name, content) in files {
            try await transaction.beginFile(named: name, contentType: "text/x-test", Naming())
            var rest = content[...]
            while !rest.isEmpty {
                try await transaction.write([ByteBuffer(bytes: rest.prefix(1 << 18)), ByteBuffer()])
                rest = rest.dropFirst(1 << 18)
            }
            try await transaction.endFile()
        }
    }

    @discardableResult
    private func store(_ files: [File], in storage: any Storage) async throws -> [String?] {
        var transaction = storage.begin()
        do {
            try await write(files, to: &transaction)
            return try await transaction.publish().map { $0?.name }
        } catch {
            await transaction.abandon()
            throw error
        }
    }

    private func content(of name: String, in storage: any Storage) async throws -> [UInt8]? {
        guard let reader = try await storage.open(name) else { return nil }
        var content: [UInt8] = []
        while content.count < reader.file.size {
            let count = min(100_000, reader.file.size - content.count)
            content += Array(buffer: try await reader.read(at: content.count, count: count))
        }
        return content
    }

    private func names(in storage: any Storage) async throws -> [String] {
        try await storage.files(after: nil, limit: 1000).files.map(\.name)
    }

    private static let sizes = [0, 1, (8 << 20) - 1, 8 << 20, (8 << 20) + 1, 40_000_001]

    @Test("files of any size are stored and read back, alone and together", arguments: Kind.allCases)
    func sizes(kind: Kind) async throws {
        let opened = try await Opened(kind)
        let storage = opened.storage
        try await storage.check()
        let files = Self.sizes.map { (name: "\($0).bin", content: SeededGenerator.manyBytes($0, case: $0)) }
        for file in files { #expect(try await store([file], in: storage) == [file.name]) }
        let together = files.map { (name: "b \($0.name)", content: $0.content) }
        #expect(try await store(together, in: storage) == together.map(\.name))
        for file in files + together {
            let found = try await content(of: file.name, in: storage)
            #expect(firstDifference(try #require(found, "\(file.name)"), file.content) == nil, "\(file.name)")
        }
        let page = try await storage.files(after: nil, limit: 1000)
        #expect(page.files.map(\.name) == (files + together).map(\.name).sorted())
        #expect(page.last == nil)
        for file in page.files {
            let reader = try #require(try await storage.open(file.name))
            #expect(reader.file.size == file.size && reader.file.version == file.version)
            #expect(abs(file.modified - Int(Date.now.timeIntervalSince1970)) < 600)
            if kind != .directory { #expect(reader.file.contentType == "text/x-test") }
        }
        try await opened.expectClean()
    }

    @Test("ranges are read in any order", arguments: Kind.allCases) func ranges(kind: Kind) async throws {
        let opened = try await Opened(kind)
        let content = SeededGenerator.manyBytes(3_000_000, case: 90)
        try await store([("a", content)], in: opened.storage)
        let reader = try #require(try await opened.storage.open("a"))
        var generator = SeededGenerator(case: 91)
        for _ in 0..<20 {
            let start = Int.random(in: 0..<content.count, using: &generator)
            let count = Int.random(in: 1...(content.count - start), using: &generator)
            let found = try await reader.read(at: start, count: count)
            #expect(firstDifference(Array(buffer: found), content[start..<(start + count)]) == nil)
        }
        #expect(try await opened.storage.open("b") == nil)
        #expect(try await opened.storage.open(".a") == nil)
        #expect(try await opened.storage.open("a/b") == nil)
    }

    @Test(
        "nothing is visible before it is published, and nothing is left of what is abandoned", arguments: Kind.allCases)
    func abandoned(kind: Kind) async throws {
        let opened = try await Opened(kind)
        let storage = opened.storage
        let large = SeededGenerator.manyBytes(20_000_000, case: 92)
        for files in [[("a", [1])], [("a", large)], [("a", [1]), ("b", large), ("c", [2])]] as [[File]] {
            var transaction = storage.begin()
            try await write(files, to: &transaction)
            #expect(try await names(in: storage) == [])
            // Also in a cancelled task.
            let abandoning = transaction
            await Task {
                var transaction = abandoning
                withUnsafeCurrentTask { $0?.cancel() }
                await transaction.abandon()
            }.value
            #expect(try await names(in: storage) == [])
        }
        // In the middle of a part.
        var transaction = storage.begin()
        try await transaction.beginFile(named: "a", contentType: nil, Naming())
        try await transaction.write([ByteBuffer(bytes: large)])
        await transaction.abandon()
        #expect(try await names(in: storage) == [])
        try await opened.expectClean()
    }

    @Test("no file is replaced: names that are taken get numbers, also at the same time", arguments: Kind.allCases)
    func numbers(kind: Kind) async throws {
        let opened = try await Opened(kind)
        let storage = opened.storage
        for _ in 0..<9 { try await store([("n.txt", [0])], in: storage) }
        let large = SeededGenerator.manyBytes(9_000_000, case: 93)
        let stored = try await withThrowingTaskGroup(of: [String?].self) { group in
            for number in 0..<12 {
                group.addTask { try await store([("n.txt", number % 4 == 0 ? large : [1])], in: storage) }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(stored).count == 12)
        let expected = ["n.txt"] + (1..<21).map { "n (\($0)).txt" }
        #expect(try await names(in: storage) == expected.sorted())
        #expect(try await store([("n.txt", [1]), ("n.txt", [2])], in: storage) == ["n (21).txt", "n (22).txt"])
        try await opened.expectClean()
    }

    @Test("a file is replaced in one step if the condition holds", arguments: Kind.allCases)
    func replaces(kind: Kind) async throws {
        let opened = try await Opened(kind)
        let storage = opened.storage
        func put(_ content: [UInt8], if condition: (@Sendable (StoredFile?) -> Bool)? = nil) async throws
            -> PublishedFile?
        {
            var transaction = storage.begin()
            do {
                try await transaction.beginFile(
                    named: "a", contentType: nil, Naming(replaces: true, condition: condition))
                try await transaction.write([ByteBuffer(bytes: content)])
                try await transaction.endFile()
                return try await transaction.publish()[0]
            } catch {
                await transaction.abandon()
                throw error
            }
        }
        let first = try #require(try await put([1]))
        #expect(!first.isReplacement && first.name == "a")
        for content in [[2], SeededGenerator.manyBytes(9_000_000, case: 94)] as [[UInt8]] {
            let second = try #require(try await put(content))
            #expect(second.isReplacement && second.version != first.version)
            #expect(firstDifference(try #require(try await self.content(of: "a", in: storage)), content) == nil)
        }
        let version = try #require(try await storage.open("a")).file.version
        #expect(try await put([3]) { $0?.version == version } != nil)
        for condition in [{ $0 == nil }, { $0?.version == version }] as [@Sendable (StoredFile?) -> Bool] {
            let error = await #expect(throws: StorageError.self) { _ = try await put([4], if: condition) }
            #expect(error?.code == .conditionFailed)
        }
        #expect(try await content(of: "a", in: storage) == [3])
        #expect(try await names(in: storage) == ["a"])
        try await opened.expectClean()
    }

    @Test("of two writers with the same condition one is refused", arguments: Kind.allCases.filter(\.knowsConditions))
    func conditionInOneStep(kind: Kind) async throws {
        let opened = try await Opened(kind)
        let storage = opened.storage
        try await store([("a", [1])], in: storage)
        let version = try #require(try await storage.open("a")).file.version
        var (first, second) = (storage.begin(), storage.begin())
        let naming = Naming(replaces: true) { $0?.version == version }
        try await first.beginFile(named: "a", contentType: nil, naming)
        try await second.beginFile(named: "a", contentType: nil, naming)
        try await first.write([ByteBuffer(bytes: [2])])
        // moto checks the condition of a single request only: see S3FaultTests for that of a multipart upload.
        try await second.write([ByteBuffer(bytes: [3])])
        try await first.endFile()
        try await second.endFile()
        #expect(try await first.publish()[0]?.isReplacement == true)
        let error = await #expect(throws: StorageError.self) { _ = try await second.publish() }
        #expect(error?.code == .conditionFailed)
        await second.abandon()
        #expect(try await content(of: "a", in: storage) == [2])
        try await opened.expectClean()
    }

    @Test("lists come in pages, in the order of bytes, with and without folders", arguments: Kind.allCases)
    func pages(kind: Kind) async throws {
        let opened = try await Opened(kind, keepsPaths: true)
        let storage = opened.storage
        let files = ["a", "a b", "ä&<.txt", "b/c", "b/d/e", "b c", "Z", "😀", "c+%41?#x"]
        try await store(files.map { ($0, Array($0.utf8)) }, in: storage)
        var (found, last): ([String], String?) = ([], nil)
        repeat {
            let page = try await storage.files(after: last, limit: 2)
            #expect(page.files.count <= 2)
            found += page.files.map(\.name)
            last = page.last
        } while last != nil
        #expect(found == files.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
        for name in files { #expect(try await content(of: name, in: storage) == Array(name.utf8), "\(name)") }
    }
}
