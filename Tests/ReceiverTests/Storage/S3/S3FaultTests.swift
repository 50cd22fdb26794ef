import Foundation
import HTTPStreaming
import NIOCore
import Platform
import TestSupport
import Testing

@testable import Receiver

@Suite("Failures of an object store", .timeLimit(.minutes(5)))
struct S3FaultTests {
    private static let large = SeededGenerator.manyBytes(20_000_000, case: 97)

    /// Stores a file of several parts, with `fault` between the parts.
    private func store(
        in storage: S3Storage, _ content: [UInt8] = S3FaultTests.large, fault: () async throws -> Void = {}
    ) async throws -> PublishedFile? {
        var transaction = storage.begin()
        do {
            try await transaction.beginFile(named: "a", contentType: nil, Naming())
            let middle = content.count / 2
            try await transaction.write([ByteBuffer(bytes: content[..<middle])])
            try await fault()
            try await transaction.write([ByteBuffer(bytes: content[middle...])])
            try await transaction.endFile()
            return try await transaction.publish()[0]
        } catch {
            await transaction.abandon()
            throw error
        }
    }

    @Test("a store that is restarted during an upload gets the rest") func restarted() async throws {
        let store = try await S3Storage.startStore(.rclone)
        let storage = try await S3Storage.open(store)
        let next = Shared<ObjectStore?>(nil)
        // A single request: rclone keeps parts in memory, so that uploads do not survive it.
        let published = try await self.store(in: storage, Array(Self.large.prefix(1_000_000))) {
            await store.kill()
            Task {
                try await Task.sleep(for: .seconds(2))
                next.set(try await ObjectStore(.rclone, port: store.port, in: store.directory))
            }
        }
        #expect(published?.name == "a")
        let file = try store.directory.read("bucket/some/folder/a")
        #expect(firstDifference(file, Self.large.prefix(1_000_000)) == nil)
        withExtendedLifetime(next) {}
    }

    @Test("a store that stays away is an error after the patience, and nothing is visible") func gone() async throws {
        let store = try await S3Storage.startStore(.rclone)
        let storage = try await S3Storage.open(store, patience: .seconds(2))
        let error = await #expect(throws: StorageError.self) {
            try await self.store(in: storage) { await store.kill() }
        }
        #expect(error?.code == .noResources, "\(String(describing: error))")
        let again = try await ObjectStore(.rclone, port: store.port, in: store.directory)
        #expect(try await storage.files(after: nil, limit: 10).files.isEmpty)
        withExtendedLifetime(again) {}
    }

    @Test("a store that stalls is an error after the patience") func stalls() async throws {
        let store = try await S3Storage.startStore(.rclone)
        let storage = try await S3Storage.open(store, patience: .seconds(2))
        let error = await #expect(throws: StorageError.self) {
            try await self.store(in: storage) { store.signal(SIGSTOP) }
        }
        store.signal(SIGCONT)
        #expect(error?.code == .noResources, "\(String(describing: error))")
        #expect(try await storage.files(after: nil, limit: 10).files.isEmpty)
    }

    @Test("a part whose answer never comes is sent once more") func lostPart() async throws {
        let parts = Shared<[[UInt8]]>([])
        let server = try FaultServer { connection in
            while let head = try connection.readHead() {
                let body = try connection.readBody(of: head)
                parts.append(body)
                guard parts.value.count > 1 else { continue }
                try connection.respond(200, fields: "ETag: \"tag\"\r\n")
            }
        }
        let location = try #require(S3Location("s3://bucket", endpoint: server.url, region: "us-east-1"))
        let client = try S3Client(location, patience: .seconds(1)) { () throws(S3Credentials.Missing) in
            S3Credentials(accessKey: "a", secretKey: "b")
        }
        for size in [1000, 1_000_000] {
            parts.set([])
            let directory = try TemporaryDirectory()
            let spool = try PartSpool(in: directory.path)
            let content = SeededGenerator.manyBytes(size, case: 96)
            try spool.append([ByteBuffer(bytes: content)])
            #expect(try await client.uploadPart(1, spool.content(), of: "u", "k").tag == "tag")
            #expect(parts.value == [content, content])
        }
    }

    @Test("wrong credentials are an error that says so, without them") func credentials() async throws {
        let store = try await S3Storage.startStore(.rclone)
        let storage = try await S3Storage.open(store, secretKey: "wrong")
        for content in [[1], Self.large] as [[UInt8]] {
            let error = await #expect(throws: StorageError.self) { try await self.store(in: storage, content) }
            #expect(error?.code == .failed)
            #expect(error?.message.contains("refuses the credentials") == true, "\(String(describing: error))")
            #expect(error?.message.contains("wrong") == false)
        }
        await #expect(throws: StorageError.self) { try await storage.check() }
    }

    /// A store that answers each request in the same way.
    private func answering(_ status: Int, _ code: String) throws -> FaultServer {
        try FaultServer { connection in
            while let head = try connection.readHead() {
                _ = try connection.readBody(of: head)
                let body = "<Error><Code>\(code)</Code><Message>Message.</Message></Error>"
                try connection.respond(status, head.line.hasPrefix("HEAD") ? "" : body)
            }
        }
    }

    @Test(
        "errors of the store become those of the storage",
        arguments: [
            (503, "SlowDown", .noResources), (500, "InternalError", .noResources), (429, "TooMany", .noResources),
            (507, "InsufficientStorage", .noSpace), (403, "QuotaExceeded", .noSpace), (403, "AccessDenied", .failed),
            (404, "NoSuchBucket", .failed), (400, "InvalidDigest", .failed), (400, "EntityTooLarge", .fileTooLarge),
        ] as [(Int, String, StorageError.Code)])
    func codes(status: Int, code: String, expected: StorageError.Code) async throws {
        let server = try answering(status, code)
        let location = try #require(S3Location("s3://bucket", endpoint: server.url, region: "us-east-1"))
        let client = try S3Client(location, patience: .milliseconds(300)) { () throws(S3Credentials.Missing) in
            S3Credentials(accessKey: "a", secretKey: "b")
        }
        let error = await #expect(throws: S3Error.self) {
            _ = try await client.createUpload("k", .init(contentType: nil))
        }
        #expect(error?.storageError.code == expected)
        #expect(error?.storageError.message.contains("bucket") == false)
        #expect(status < 500 || status == 507 || server.accepted >= 1)
    }

    @Test("a completion that fails after the status 200 is an error") func lateError() async throws {
        let server = try answering(200, "InternalError")
        let location = try #require(S3Location("s3://bucket", endpoint: server.url, region: "us-east-1"))
        let client = try S3Client(location, patience: .milliseconds(300)) { () throws(S3Credentials.Missing) in
            S3Credentials(accessKey: "a", secretKey: "b")
        }
        let error = await #expect(throws: S3Error.self) { _ = try await client.completeUpload("u", "k", [], .always) }
        #expect(error?.code == "InternalError")
    }

    @Test("credentials that have expired are looked for again") func expired() async throws {
        let calls = Shared(0)
        let server = try FaultServer { connection in
            while let head = try connection.readHead() {
                let isNew = head["authorization"]?.contains("Credential=new/") == true
                try connection.respond(isNew ? 200 : 403, isNew ? "" : "<Error><Code>ExpiredToken</Code></Error>")
            }
        }
        let location = try #require(S3Location("s3://bucket", endpoint: server.url, region: "us-east-1"))
        let client = try S3Client(location, patience: .seconds(1)) { () throws(S3Credentials.Missing) in
            calls.update { $0 += 1 }
            return S3Credentials(accessKey: calls.value == 1 ? "old" : "new", secretKey: "b")
        }
        for _ in 0..<2 { _ = try await client.send(.init(.get, "k")) }
        #expect(calls.value == 2)
    }

    @Test("uploads that a killed server has left are aborted when no part has been added for long enough")
    func sweep() async throws {
        let store = try await S3Storage.startStore(.moto)
        let (young, old) = (
            try await S3Storage.open(store), try await S3Storage.open(store, abandonedAge: .seconds(1))
        )
        let prefix = young.client.location.prefix
        // moto gives 2010 as the beginning of each upload. The times of parts are right.
        _ = try await young.client.createUpload(prefix + "empty", .init(contentType: nil))
        // Of another program in the same bucket.
        _ = try await young.client.createUpload("elsewhere", .init(contentType: nil))
        var transaction = young.begin()
        try await transaction.beginFile(named: "a", contentType: nil, Naming())
        try await transaction.write([ByteBuffer(bytes: Self.large)])
        #expect(try await eventually { try await young.unfinishedCount() == 2 })
        try await young.removeLeftovers()
        #expect(try await young.unfinishedCount() == 1)
        try await Task.sleep(for: .seconds(3))
        try await old.removeLeftovers()
        let left = try await young.client.unfinishedUploads(prefix: "").uploads.map(\.key)
        #expect(left == ["elsewhere"])
        // The upload that was taken away fails, and says so.
        try await transaction.endFile()
        await #expect(throws: StorageError.self) { _ = try await transaction.publish() }
        await transaction.abandon()
        #expect(try await young.files(after: nil, limit: 10).files.isEmpty)
    }

    @Test("a multipart upload is completed under the condition of its file", arguments: [200, 412, 409])
    func conditionOfCompletion(status: Int) async throws {
        let fields = Shared<[String]>([])
        let server = try FaultServer { connection in
            while let head = try connection.readHead() {
                _ = try connection.readBody(of: head)
                let isCompletion = head.line.hasPrefix("POST") && head.line.contains("uploadId=u")
                if isCompletion { fields.update { $0 += [head["if-none-match"] ?? "", head["if-match"] ?? ""] } }
                switch head.line.prefix(4) {
                case "HEAD": try connection.respond(200, fields: "ETag: \"old\"\r\n")
                case "POST" where isCompletion && status != 200:
                    try connection.respond(status, "<Error><Code>PreconditionFailed</Code></Error>")
                case "POST": try connection.respond(200, "<R><UploadId>u</UploadId><ETag>\"new\"</ETag></R>")
                default: try connection.respond(200, fields: "ETag: \"part\"\r\n")
                }
            }
        }
        let location = try #require(S3Location("s3://bucket", endpoint: server.url, region: "us-east-1"))
        let storage = try S3Storage(location, patience: .seconds(5)) { () throws(S3Credentials.Missing) in
            S3Credentials(accessKey: "a", secretKey: "b")
        }
        var transaction = storage.begin()
        let naming = Naming(replaces: true) { $0?.version == "old" }
        try await transaction.beginFile(named: "a", contentType: nil, naming)
        try await transaction.write([ByteBuffer(bytes: Self.large)])
        try await transaction.endFile()
        if status == 200 {
            let published = try await transaction.publish()
            #expect(published == [PublishedFile(name: "a", version: "new", isReplacement: true)])
        } else {
            let error = await #expect(throws: StorageError.self) { _ = try await transaction.publish() }
            #expect(error?.code == (status == 412 ? .conditionFailed : .conflict))
            await transaction.abandon()
        }
        #expect(fields.value == ["", "old"])
    }

    @Test("an upload that has just begun is no leftover, an old one without a part is") func recent() async throws {
        let aborted = Shared<[String]>([])
        let now = Timestamp.now
        let server = try FaultServer { connection in
            while let head = try connection.readHead() {
                let upload = { (name: String, time: Int) in
                    "<Upload><Key>\(name)</Key><UploadId>\(name)</UploadId>"
                        + "<Initiated>\(Timestamp(seconds: time).rfc3339)</Initiated></Upload>"
                }
                if head.line.hasPrefix("DELETE") {
                    aborted.update { $0.append(head.line) }
                    try connection.respond(204)
                } else if head.line.contains("uploads=") {
                    let isFirst = !head.line.contains("key-marker=old")
                    try connection.respond(
                        200,
                        isFirst
                            ? "<R><IsTruncated>true</IsTruncated><NextKeyMarker>old</NextKeyMarker>"
                                + "<NextUploadIdMarker>old</NextUploadIdMarker>\(upload("old", now.seconds - 100))</R>"
                            : "<R>\(upload("older", now.seconds - 50))\(upload("recent", now.seconds))</R>")
                } else {
                    let time = Timestamp(seconds: now.seconds - (head.line.contains("uploadId=older") ? 40 : 200))
                    try connection.respond(200, "<R><Part><LastModified>\(time.rfc3339)</LastModified></Part></R>")
                }
            }
        }
        let location = try #require(S3Location("s3://bucket", endpoint: server.url, region: "us-east-1"))
        let storage = try S3Storage(location, abandonedAge: .seconds(45)) { () throws(S3Credentials.Missing) in
            S3Credentials(accessKey: "a", secretKey: "b")
        }
        try await storage.removeLeftovers()
        #expect(aborted.value == ["DELETE /bucket/old?uploadId=old HTTP/1.1"])
    }

    @Test("a file whose success was lost is not stored again", arguments: [1000, 20_000_000])
    func lostAnswer(size: Int) async throws {
        let identifier = Shared<String?>(nil)
        let requests = Shared(0)
        let server = try FaultServer { connection in
            while let head = try connection.readHead() {
                _ = try connection.readBody(of: head)
                if let sent = head["x-amz-meta-upload"] { identifier.set(sent) }
                // The one that makes the file visible.
                let isLast = head.line.hasPrefix(size < 8 << 20 ? "PUT" : "POST") && !head.line.contains("uploads=")
                if isLast {
                    requests.update { $0 += 1 }
                    if requests.value == 1 { return connection.reset() }
                    try connection.respond(size < 8 << 20 ? 412 : 404, "<Error><Code>NoSuchUpload</Code></Error>")
                } else if head.line.hasPrefix("HEAD") {
                    let fields = "ETag: \"tag\"\r\nx-amz-meta-upload: \(identifier.value ?? "")\r\n"
                    try connection.respond(requests.value == 0 ? 404 : 200, fields: fields)
                } else {
                    try connection.respond(200, "<R><UploadId>u</UploadId></R>", fields: "ETag: \"part\"\r\n")
                }
            }
        }
        let location = try #require(S3Location("s3://bucket", endpoint: server.url, region: "us-east-1"))
        let storage = try S3Storage(location) { () throws(S3Credentials.Missing) in
            S3Credentials(accessKey: "a", secretKey: "b")
        }
        let published = try await store(in: storage, Array(Self.large.prefix(size)))
        #expect(published?.name == "a" && published?.version == "tag")
        #expect(requests.value == 2)
    }
}
