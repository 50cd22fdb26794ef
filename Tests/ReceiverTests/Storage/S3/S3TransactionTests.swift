import Foundation
import HTTPStreaming
import NIOCore
import Platform
import Synchronization
import TestSupport
import Testing

@testable import Receiver

/// Requests of one server that store files of the same names, and stores that answer oddly.
@Suite("Transactions of an object store", .timeLimit(.minutes(5)))
struct S3TransactionTests {
    private static let large = SeededGenerator.manyBytes(9_000_000, case: 99)

    private func begin(
        _ name: String, _ content: [UInt8], _ naming: Naming = Naming(), in storage: S3Storage
    ) async throws -> any StorageTransaction {
        var transaction = storage.begin()
        try await add(name, content, naming, to: &transaction)
        return transaction
    }

    private func add(
        _ name: String, _ content: [UInt8], _ naming: Naming = Naming(), to transaction: inout any StorageTransaction
    ) async throws {
        try await transaction.beginFile(named: name, contentType: nil, naming)
        try await transaction.write([ByteBuffer(bytes: content)])
        try await transaction.endFile()
    }

    private func content(_ name: String, in storage: S3Storage) async throws -> [UInt8]? {
        try await storage.client.get(storage.client.location.prefix + name)?.content
    }

    /// A server that speaks as a store, and a storage in it.
    private func storage(
        patience: Duration = .seconds(2), _ handler: @escaping @Sendable (RawConnection) throws -> Void
    ) throws -> S3Storage {
        let server = try FaultServer(handler)
        let location = try #require(S3Location("s3://bucket", endpoint: server.url, region: "us-east-1"))
        return try S3Storage(location, patience: patience) { () throws(S3Credentials.Missing) in
            S3Credentials(accessKey: "a", secretKey: "b")
        }
    }

    @Test("a form that fails takes its files back, but not one that has replaced them", arguments: [false, true])
    func takenBack(isReplaced: Bool) async throws {
        let store = try await S3Storage.startStore(.moto)
        let storage = try await S3Storage.open(store, patience: .seconds(2))
        var form = try await begin("a", [1], in: storage)
        try await add("b", [2], to: &form)
        let upload = try await storage.client.unfinishedUploads(prefix: "").uploads.first { $0.key.hasSuffix("/b") }
        let begun = try #require(upload)
        // It has its only part.
        #expect(try await eventually { try await storage.client.lastPartTime(of: begun) != nil })
        try await storage.client.abortUpload(begun.identifier, begun.key)
        await #expect(throws: StorageError.self) { _ = try await form.publish() }
        #expect(try await content("a", in: storage) == [1])
        if isReplaced {
            var other = try await begin("a", [2], Naming(replaces: true), in: storage)
            #expect(try await other.publish()[0]?.isReplacement == true)
        }
        await form.abandon()
        #expect(try await content("a", in: storage) == (isReplaced ? [2] : nil))
        #expect(storage.reserved.withLock { $0.isEmpty })
    }

    @Test("a name that begins with an accent is not mistaken for another one") func accent() async throws {
        let store = try await S3Storage.startStore(.moto)
        let storage = try await S3Storage.open(store)
        for name in ["z", "\u{301}z", "\u{301}zz"] {
            var transaction = try await begin(name, Array(name.utf8), in: storage)
            let stored = try await transaction.publish()[0]?.name
            #expect(stored.map { Array($0.utf8) } == Array(name.utf8))
        }
        var (found, last): ([String], String?) = ([], nil)
        for _ in 0..<10 {
            let page = try await storage.files(after: last, limit: 1)
            found += page.files.map(\.name)
            last = page.last
            if last == nil { break }
        }
        #expect(found.map { Array($0.utf8) } == ["z", "\u{301}z", "\u{301}zz"].map { Array($0.utf8) })
    }

    @Test("of requests for one name, each gets what it was promised") func sameName() async throws {
        let store = try await S3Storage.startStore(.moto)
        let storage = try await S3Storage.open(store)
        // A file that must not exist: not even on its way.
        let isNew = Naming { $0 == nil }
        var first = try await begin("a", [1], isNew, in: storage)
        let error = await #expect(throws: StorageError.self) { _ = try await begin("a", [2], isNew, in: storage) }
        #expect(error?.code == .conditionFailed)
        // One that replaces, and ends, does not give the name to others.
        var given = try await begin("a", [3], Naming(replaces: true), in: storage)
        await given.abandon()
        var second = try await begin("a", [4], in: storage)
        #expect(try await second.publish()[0]?.name == "a (1)")
        #expect(try await first.publish()[0]?.name == "a")
        #expect(storage.reserved.withLock { $0.isEmpty })
    }

    @Test("of writers that replace a file without a condition, the last one wins", arguments: [[5], Self.large])
    func lastWins(content: [UInt8]) async throws {
        let store = try await S3Storage.startStore(.moto)
        let storage = try await S3Storage.open(store)
        let naming = Naming(replaces: true)
        var (slow, fast) = (
            try await begin("a", content, naming, in: storage), try await begin("a", [6], naming, in: storage)
        )
        #expect(try await fast.publish()[0]?.isReplacement == false)
        _ = try await slow.publish()
        #expect(try await firstDifference(self.content("a", in: storage) ?? [], content) == nil)
        var next = try await begin("a", [7], naming, in: storage)
        #expect(try await next.publish()[0]?.isReplacement == true)
    }

    /// What a store says of a completion, and whether it has done it.
    static let answers: [(body: String, isDone: Bool)] = [
        ("", false), ("<Error><Code>A & B</Code></Error>", false), ("<R></R>", false), ("<R></R>", true), ("", true),
        ("<Error><Code>InternalError</Code></Error>", true),
    ]

    @Test("a completion counts only if the file is there, whatever the store says", arguments: answers)
    func oddAnswers(body: String, isDone: Bool) async throws {
        let identifier = Shared("")
        let storage = try storage { connection in
            while let head = try connection.readHead() {
                _ = try connection.readBody(of: head)
                switch head.line.prefix(4) {
                case "HEAD":
                    let found = isDone ? identifier.value : "of another file"
                    try connection.respond(200, fields: "ETag: \"new\"\r\nx-amz-meta-upload: \(found)\r\n")
                case "POST" where head.line.contains("uploadId=u"): try connection.respond(200, body)
                case "POST":
                    identifier.set(head["x-amz-meta-upload"] ?? "")
                    try connection.respond(200, "<R><UploadId>u</UploadId></R>")
                default: try connection.respond(200, fields: "ETag: \"part\"\r\n")
                }
            }
        }
        var transaction = try await begin("a", Self.large, Naming(replaces: true), in: storage)
        if isDone {
            #expect(try await transaction.publish()[0]?.version == "new")
        } else {
            await #expect(throws: StorageError.self) { _ = try await transaction.publish() }
            await transaction.abandon()
        }
    }

    @Test("a completion that fails for the moment, after the status 200, is tried again") func triedAgain() async throws
    {
        let count = Shared(0)
        let storage = try storage { connection in
            while let head = try connection.readHead() {
                _ = try connection.readBody(of: head)
                count.update { $0 += 1 }
                let isDone = count.value == 3
                try connection.respond(200, isDone ? "<R><ETag>t</ETag></R>" : "<Error><Code>SlowDown</Code></Error>")
            }
        }
        #expect(try await storage.client.completeUpload("u", "k", [], .always) == "t")
    }

    @Test("a request that fails after it has taken longer than the patience is sent again")
    func longRequest() async throws {
        let count = Shared(0)
        let storage = try storage(patience: .milliseconds(400)) { connection in
            while let head = try connection.readHead() {
                _ = try connection.readBody(of: head)
                count.update { $0 += 1 }
                usleep(500_000)
                try connection.respond(count.value < 3 ? 503 : 200)
            }
        }
        _ = try await storage.client.send(.init(.get, "k"))
        #expect(count.value == 3)
    }

    @Test("of a form of many files, few parts are under way at the same time") func manyFiles() async throws {
        let (isOpen, begun) = (Shared(false), Shared(0))
        let storage = try storage(patience: .seconds(20)) { connection in
            while let head = try connection.readHead() {
                _ = try connection.readBody(of: head)
                switch head.line.prefix(4) {
                case "HEAD": try connection.respond(404)
                case "POST":
                    begun.update { $0 += 1 }
                    try connection.respond(200, "<R><UploadId>u</UploadId><ETag>t</ETag></R>")
                default:
                    while !isOpen.value { usleep(5_000) }
                    try connection.respond(200, fields: "ETag: \"part\"\r\n")
                }
            }
        }
        let writing = Task {
            var form = try await begin("0", [0], in: storage)
            for number in 1..<12 { try await add("\(number)", [UInt8(number)], to: &form) }
            return try await form.publish().count
        }
        #expect(try await eventually { begun.value == 4 })
        try await Task.sleep(for: .milliseconds(300))
        #expect(begun.value == 4)
        isOpen.set(true)
        #expect(try await writing.value == 12)
    }

    @Test("a part that the store has leaves a few bytes of memory, and no task") func memory() async throws {
        let store = try await S3Storage.startStore(.moto)
        let storage = try await S3Storage.open(store)
        var transaction = try #require(storage.begin() as? S3Storage.Transaction)
        try await transaction.beginFile(named: "a", contentType: nil, Naming())
        for _ in 0..<4 { try await transaction.write([ByteBuffer(bytes: Self.large)]) }
        let file = try #require(transaction.files.first)
        // 36 MB have four whole parts of 8 MiB.
        let areStored = try await eventually {
            try await file.parts().count { if case .stored = $0 { true } else { false } } == 4
        }
        #expect(areStored)
        await transaction.abandon()
    }

    @Test("credentials that expire are replaced for all requests, also for those without a reason")
    func expired() async throws {
        let newest = Shared("old")
        let server = try FaultServer { connection in
            while let head = try connection.readHead() {
                if head["authorization"]?.contains("Credential=new/") == true {
                    try connection.respond(200)
                } else if head.line.hasPrefix("HEAD") {
                    try connection.respond(400)
                } else {
                    // All of them are on their way before the first one gets its answer.
                    usleep(200_000)
                    try connection.respond(403, "<Error><Code>ExpiredToken</Code></Error>")
                }
            }
        }
        let location = try #require(S3Location("s3://bucket", endpoint: server.url, region: "us-east-1"))
        for method in [Client.Method.get, .head] {
            newest.set("old")
            let client = try S3Client(location, patience: .seconds(1)) { () throws(S3Credentials.Missing) in
                S3Credentials(accessKey: newest.value, secretKey: "b")
            }
            newest.set("new")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { _ = try await client.send(.init(method, "k")) } }
                try await group.waitForAll()
            }
        }
    }
}
