import ContentCoding
import Crypto
import Foundation
import HTTPStreaming
import NIOCore
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Receiver

/// Uploads to two servers of one object store, each of whose requests goes to the other one than the request before.
@Suite("Resumption with an object store", .timeLimit(.minutes(6)))
struct S3ResumptionTests {
    /// The ports of two servers, by turns.
    private final class Turns: Sendable {
        private let ports: [Int]
        private let count = Mutex(0)

        init(_ ports: Int...) { self.ports = ports }

        /// A client of the other server than the last one's.
        var client: ResumingClient {
            ResumingClient(
                port: count.withLock { count in
                    count += 1
                    return ports[count % ports.count]
                })
        }
    }

    private static var engine: ObjectStore.Engine { ObjectStore.cephEndpoint == nil ? .moto : .ceph }

    /// A store, and two storages in the same folder of it.
    private func storages() async throws -> (store: ObjectStore, S3Storage, S3Storage) {
        let store = try await S3Storage.startStore(Self.engine)
        let folder = "folder \(UInt64.random(in: 0...UInt64.max))"
        return (
            store, try await S3Storage.open(store, folder: folder), try await S3Storage.open(store, folder: folder)
        )
    }

    /// Runs `body` with two servers that know nothing of each other.
    private func withServers(_ body: (S3Storage, Turns) async throws -> Void) async throws {
        let (store, one, other) = try await storages()
        try await RunningServer.with(storage: { _ in one }) { first in
            try await RunningServer.with(storage: { _ in other }) { second in
                try await body(one, Turns(first.port, second.port))
            }
        }
        withExtendedLifetime(store) {}
    }

    private func content(of name: String, in storage: S3Storage) async throws -> [UInt8]? {
        guard let reader = try await storage.open(name) else { return nil }
        guard reader.file.size > 0 else { return [] }
        return Array(buffer: try await reader.read(at: 0, count: reader.file.size))
    }

    /// The answers of complete uploads may be kept, but nothing else.
    private func expectAtRest(_ storage: S3Storage, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let prefix = storage.client.location.prefix + ".unfinished/"
        let keys = try await storage.client.list(prefix: prefix, after: nil, isFlat: false, limit: 1000).objects.map(
            \.key)
        #expect(keys.allSatisfy { $0.hasSuffix("/answer") }, "\(keys)", sourceLocation: sourceLocation)
        #expect(try await storage.unfinishedCount() == 0, sourceLocation: sourceLocation)
    }

    private static func form(case number: Int) -> [(filename: String, content: [UInt8])] {
        var generator = SeededGenerator(case: number)
        // What almost is a delimiter, at the end of what a request sends.
        let almost = Array("\r\n--Bx\r\n--\r\n--B-\r\n--B\rx\r\n-\r\r\n".utf8)
        let sizes = [300_000, 0, 1, 17_000_000, (8 << 20) + 5, 70_000].shuffled(using: &generator)
        return sizes.prefix(Int.random(in: 1...4, using: &generator)).enumerated().map { index, size in
            ("f-\(index)", generator.manyBytes(size) + (index.isMultiple(of: 2) ? almost : []))
        }
    }

    // The digests of interrupted uploads take long in a debug build: few bytes have them.
    @Test("forms arrive byte for byte, the short one with the digests of its parts", arguments: 0..<3, [false, true])
    func forms(number: Int, isCoded: Bool) async throws {
        let isShort = number == 0
        let files = Self.form(case: 700 + number).map {
            ($0.filename, isShort ? Array($0.content.prefix(300_000)) : $0.content)
        }
        let form = RunningServer.document(files)
        let body = isCoded ? try Samples.encoded(form, .gzip) : form
        let fields =
            AwkwardForm.fields + (isShort ? ["Want-Repr-Digest: sha-256=1"] : [])
            + (isCoded ? ["Content-Encoding: gzip"] : [])
        try await withServers { storage, turns in
            let (answer, _) = try await CutUploadTests.send(
                body, "POST", "/", fields, { turns.client }, case: number, cuts: 5)
            #expect(answer.status == 201, "seed \(SeededGenerator.seed), case \(number): \(answer.body)")
            let parts = try #require(try Answer(answer.body.utf8).parts)
            if isShort { #expect(parts.map(\.sha256) == files.map { SHA256.hash(data: $0.1).hexadecimal }) }
            for (name, sent) in files {
                let stored = try await content(of: name, in: storage)
                #expect(
                    firstDifference(try #require(stored), sent) == nil,
                    "seed \(SeededGenerator.seed), case \(number), \(name)")
            }
            try await expectAtRest(storage)
        }
    }

    @Test("a file of a PUT arrives byte for byte; its digest is checked", arguments: [100_000, 9_000_000])
    func file(size: Int) async throws {
        let content = SeededGenerator.manyBytes(size, case: 720)
        let digest = Data(SHA256.hash(data: content)).base64EncodedString()
        try await withServers { storage, turns in
            for (name, sent, status) in [("right", content, 201), ("wrong", Array(content.prefix(1000)), 400)] {
                let (answer, repeated) = try await CutUploadTests.send(
                    Array(sent), "PUT", "/\(name)", ["Repr-Digest: sha-256=:\(digest):", "Content-Type: text/x-test"],
                    { turns.client }, case: 721, cuts: 4)
                #expect(answer.status == status, "\(answer)")
                print("S3ResumptionTests: \(repeated) of \(size) bytes sent twice")
            }
            let stored = try await self.content(of: "right", in: storage)
            #expect(firstDifference(try #require(stored), content) == nil)
            #expect(try await storage.open("right")?.file.contentType == "text/x-test")
            #expect(try await storage.files(after: nil, limit: 10).files.map(\.name) == ["right"])
            try await expectAtRest(storage)
        }
    }

    @Test("a lost answer is repeated by the other server; a cancelled upload leaves nothing")
    func answers() async throws {
        try await withServers { storage, turns in
            let (first, second) = (turns.client, turns.client)
            for size in [10, 9_000_000] {
                let content = SeededGenerator.manyBytes(size, case: 730)
                let begun = try await first.ask("PUT", "/\(size)", ["Upload-Complete: ?0"], content)
                let location = try #require(begun.location)
                // Both know the upload before one of them completes it.
                #expect(try await second.status(location).final.offset == size)
                #expect(try await first.append([], at: size, to: location).status == 201)
                let status = try await second.status(location)
                #expect(status.fields["upload-complete"] == "?1" && status.final.offset == size, "\(status)")
                let again = try await second.append([], at: size, to: location)
                #expect(again.status == 201 && again.body.contains("\"saved_as\""), "\(again)")
            }
            try await expectAtRest(storage)
            let location = try #require(
                try await first.ask(
                    "PUT", "/c", ["Upload-Complete: ?0"], SeededGenerator.manyBytes(9_000_000, case: 731)
                ).location)
            #expect(try await storage.unfinishedCount() == 1)
            #expect(try await second.ask("DELETE", location).status == 204)
            #expect(try await first.status(location).status == 404)
            try await expectAtRest(storage)
            #expect(try await storage.files(after: nil, limit: 10).files.map(\.name) == ["10", "9000000"])
        }
    }

    /// An upload in a storage, as a server has it.
    ///
    /// - Parameter isOpen: whether the end of the last file is not known when it is recorded, as with a `PUT`.
    private func begin(
        _ id: UploadID, _ files: [(name: String, content: [UInt8])], in storage: S3Storage, isOpen: Bool = false
    ) async throws -> any ResumableTransaction {
        var transaction = try await storage.create(id, request: [1, 2])
        var segments: [BodySegment] = []
        for (index, file) in files.enumerated() {
            try await transaction.beginFile(named: file.name, contentType: nil, Naming())
            try await transaction.write([ByteBuffer(bytes: file.content)])
            if !isOpen || index < files.count - 1 { try await transaction.endFile() }
            segments.append(.content(file: index, count: file.content.count))
        }
        try await settle(transaction, segments)
        if isOpen { try await transaction.endFile() }
        return transaction
    }

    private func settle(_ transaction: any ResumableTransaction, _ segments: [BodySegment]) async throws {
        let checkpoints = Checkpoints(from: 0)
        checkpoints.begin(at: 1)
        try await transaction.checkpoint(segments) { checkpoints.end($0) }
        try await checkpoints.wait()
    }

    private func reopen(
        _ id: UploadID, _ files: [(name: String, content: [UInt8])], in storage: S3Storage, isOpen: Bool = false
    ) async throws -> any ResumableTransaction {
        var transaction = try await storage.reopen(id)
        for (index, file) in files.enumerated() {
            try await transaction.beginFile(named: file.name, contentType: nil, Naming())
            try transaction.adopt(file.content.count, in: index)
            if !isOpen || index < files.count - 1 { try await transaction.endFile() }
        }
        try await transaction.endRestoring(coded: nil)
        if isOpen { try await transaction.endFile() }
        return transaction
    }

    static let someFiles: [[(name: String, content: [UInt8])]] = [
        [("small", [1, 2, 3])], [("empty", [])],
        [("large", SeededGenerator.manyBytes(9_000_000, case: 740))],
        [("a", [1]), ("b", SeededGenerator.manyBytes(9_000_000, case: 741)), ("a", [])],
    ]

    @Test(
        "files that a killed server has published, but not answered, are stored once", arguments: 0..<4, [false, true])
    func published(index: Int, isOpen: Bool) async throws {
        let files = Self.someFiles[index]
        let (store, first, second) = try await storages()
        defer { withExtendedLifetime(store) {} }
        let id = UploadID()
        var killed = try await begin(id, files, in: first, isOpen: isOpen)
        let names = try await killed.publish()
        #expect(names.count == files.count)
        // If the first server is killed at this point, the second one has only what is in the store.
        var next = try await reopen(id, files, in: second, isOpen: isOpen)
        #expect(try await next.isPublished())
        #expect(try await next.publish() == names)
        try await second.complete(id, answer: [7])
        #expect(try await second.find(id)?.answer == [7])
        #expect(try await first.files(after: nil, limit: 10).files.count == files.count)
        try await expectAtRest(second)
        #expect([first, second].allSatisfy { $0.reserved.withLock { $0.isEmpty } })
    }

    @Test("while another server goes on with an upload, the first one can neither record nor publish", arguments: 0..<4)
    func takenOver(index: Int) async throws {
        let files = Self.someFiles[index]
        let (store, first, second) = try await storages()
        defer { withExtendedLifetime(store) {} }
        let id = UploadID()
        var old = try await begin(id, files, in: first)
        var new = try await reopen(id, files, in: second)
        for _ in 0..<2 {
            await #expect(throws: StorageError.takenOver) { try await self.settle(old, []) }
            await #expect(throws: StorageError.takenOver) { try await old.resume() }
            await #expect(throws: StorageError.takenOver) { _ = try await old.publish() }
        }
        #expect(try await first.files(after: nil, limit: 10).files.isEmpty)
        #expect(try await new.publish().count == files.count)
        #expect(try await first.files(after: nil, limit: 10).files.count == files.count)
        await second.remove(id)
        #expect(try await second.find(id) == nil)
    }

    @Test("the sweep keeps the parts of unfinished uploads, and removes what expires") func sweep() async throws {
        let store = try await S3Storage.startStore(.moto)
        let storage = try await S3Storage.open(store, abandonedAge: .seconds(0))
        let id = UploadID()
        let files = Self.someFiles[2]
        let transaction = try await begin(id, files, in: storage)
        _ = try await storage.client.createUpload(storage.client.location.prefix + "left", .init(contentType: nil))
        try await Task.sleep(for: .seconds(2))
        try await storage.removeLeftovers()
        #expect(try await storage.unfinishedCount() == 1)
        #expect(try await storage.unfinished().map(\.id) == [id])
        var next = try await reopen(id, files, in: storage)
        #expect(try await next.publish().map { $0?.name } == ["large"])
        await storage.remove(id)
        #expect(try await storage.unfinished().isEmpty)
        // Removed while its file was about to become visible: it does.
        let other = UploadID()
        var late = try await begin(other, [("late", SeededGenerator.manyBytes(9_000_000, case: 742))], in: storage)
        let object = try #require(
            try await S3StateObject.read(storage.client.location.prefix + ".unfinished/\(other)/", storage.client))
        try await object.write { $0.isPublishing = true }
        await #expect(throws: StorageError.takenOver) { _ = try await late.publish() }
        await storage.remove(other)
        #expect(try await storage.open("late")?.file.size == 9_000_000)
        #expect(try await storage.unfinishedCount() == 0)
        withExtendedLifetime(transaction) {}
    }
}
