import Foundation
import HTTPStreaming
import TestSupport
import Testing

/// Uploads to S3 from a form that the owner of the bucket has signed: fields before the file, and an exact
/// length. https://docs.aws.amazon.com/AmazonS3/latest/userguide/HTTPPOSTExamples.html
@Suite("S3's presigned POST and PUT", .serialized, .timeLimit(.minutes(6)))
struct ObjectStoreTests {
    private static let packages = ["moto[server]", "boto3"]

    private struct Form: Decodable {
        struct Field: Decodable {
            let name: String
            let value: String
        }

        let url: String
        let fields: [Field]
        /// The presigned URLs to get and to put the object.
        let object: String
        let put: String

        var parts: [Part] { fields.map { .field($0.name, $0.value) } }
    }

    /// The most bytes that the form allows.
    private static let limit = 3_000_000

    private func start() async throws -> (form: Form, process: Subprocess) {
        let python: String
        do {
            python = try await PythonEnvironment.shared.interpreter(with: Self.packages)
        } catch {
            print("ObjectStoreTests: SKIPPED: no Python with moto: \(error)")
            try Test.cancel("skipped: no Python with moto: \(error)")
        }
        let process = try Subprocess(
            python, [Peer.source("s3_moto.py"), "\(Self.limit)"], deadline: .seconds(120))
        let line = try await process.firstLine(deadline: .seconds(60))
        return (try JSONDecoder().decode(Form.self, from: Data(line.utf8)), process)
    }

    private func file(_ size: Int, in directory: TemporaryDirectory) throws -> (path: String, digest: String) {
        let content = Data((0..<size).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 11) })
        return (try directory.write(content, to: "\(size).bin"), sha256(content))
    }

    private func stored(_ form: Form) async throws -> Data {
        let response = try await Client(.get, form.object).send()
        #expect(response.status == 200)
        return Data(try await response.bytes(limit: 32 << 20))
    }

    @Test("stores files up to the longest allowed") func stores() async throws {
        let (form, process) = try await start()
        defer { process.terminate() }
        #expect(form.fields.map(\.name).contains("policy"))
        let directory = try TemporaryDirectory()
        let client = try Client(.post, form.url)
        for size in [1, 70_000, Self.limit] {
            let (path, digest) = try file(size, in: directory)
            #expect(try await client.send(form.parts + [.file(path)]).status == 201)
            let object = try await stored(form)
            #expect(object.count == size)
            #expect(sha256(object) == digest)
        }
    }

    @Test("refuses a file that is too long or too short with a status and a reason, and stores nothing")
    func refuses() async throws {
        let (form, process) = try await start()
        defer { process.terminate() }
        let directory = try TemporaryDirectory()
        let client = try Client(.post, form.url)
        let (path, digest) = try file(1000, in: directory)
        #expect(try await client.send(form.parts + [.file(path)]).status == 201)
        for (size, reason) in [(Self.limit + 1, "EntityTooLarge"), (0, "EntityTooSmall")] {
            let response = try await client.send(form.parts + [.file(try file(size, in: directory).path)])
            #expect(response.status == 400)
            #expect(try await response.text().contains(reason))
        }
        #expect(sha256(try await stored(form)) == digest)
    }

    @Test("refuses fields after the file and fields that were not signed") func order() async throws {
        let (form, process) = try await start()
        defer { process.terminate() }
        let client = try Client(.post, form.url)
        let content = Part("file", .bytes(Array("content".utf8)), filename: "a.txt")
        #expect(try await client.send([content] + form.parts).status == 400)
        #expect(try await client.send(form.parts + [.field("x-amz-meta-more", "1"), content]).status == 403)
        #expect(try await client.send(form.parts + [content]).status == 201)
        #expect(try await stored(form) == Data("content".utf8))
    }

    @Test("A presigned PUT takes a file as it is, on the connection and with the credentials of another server")
    func presignedPut() async throws {
        let (form, process) = try await start()
        defer { process.terminate() }
        let directory = try TemporaryDirectory()
        // Its token must not go to S3, which refuses a second proof of identity.
        let client = try Client(.post, "http://localhost:1") { $0.authentication = .bearer("of-another-server") }
        for size in [0, 70_000, 20_000_000] {
            let (path, digest) = try file(size, in: directory)
            let response = try await client.send(Request(.put, form.put, content: .file(path)))
            #expect(try await response.requireSuccess().status == 200)
            #expect(response.bytesSent == size)
            #expect(sha256(try await stored(form)) == digest)
        }
        let pipe = AsyncStream<[UInt8]>(of: [[1]])
        #expect(try await client.send(Request(.put, form.put, content: .stream(pipe))).status == 411)
        #expect(try await client.send(Request(.put, form.put + "0", content: .text("x"))).status == 403)
    }
}
