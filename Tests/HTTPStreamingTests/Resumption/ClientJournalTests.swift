import ContentCoding
import Foundation
import Platform
import TestSupport
import Testing

@testable import HTTPStreaming

/// Uploads that another client continues, as another process would.
@Suite("Client, journal", .serialized, .timeLimit(.minutes(2)))
struct ClientJournalTests {
    /// Begins an upload with a journal and abandons it when the server has some of it.
    private func begin(
        _ server: ResumableServer, _ listener: FaultServer, _ journal: String, gzip: Bool = false,
        _ content: @escaping @Sendable (Client) async throws -> Response
    ) async throws {
        let client = try Client(.post, listener.url) { configuration in
            configuration.resumption = quickResumption()
            configuration.journal = Path(journal)
            configuration.expect = .never
            if gzip { configuration.contentCoding = .gzip() }
        }
        let sending = Task { try await content(client) }
        #expect(try await eventually { server.receivedCount >= 200_000 })
        #expect(try await eventually { FileManager.default.fileExists(atPath: journal) })
        client.cancel()
        await expectError(.cancelled) { try await sending.value }
        #expect(!server.methods.contains("DELETE"))
    }

    private func resume(
        _ listener: FaultServer, _ journal: String, progress: (@Sendable (UploadProgress) -> Void)? = nil
    ) async throws -> Response {
        try await Client(.post, listener.url) { $0.resumption = quickResumption() }.resume(
            journal: journal, progress: progress)
    }

    private let stalling: @Sendable (RequestHead, Int) -> ResumableServer.Fault = { _, number in
        number == 1 ? .stall(after: 200_000) : .none
    }

    @Test("a form of files and fields is continued, also compressed", arguments: [false, true])
    func form(gzip: Bool) async throws {
        let directory = try TemporaryDirectory()
        let (first, second) = (SeededGenerator.bytes(150_000, case: 1), SeededGenerator.manyBytes(3_000_000, case: 2))
        let (a, b) = (try directory.write(first, to: "a"), try directory.write(second, to: "b"))
        let journal = directory.path + "/journal"
        let server = ResumableServer(fault: stalling)
        let listener = try FaultServer(receiveBuffer: 64 << 10, server.serve)
        try await begin(server, listener, journal, gzip: gzip) { client in
            try await client.send(.field("title", "Größe"), .file(a), .file(b))
        }
        let attributes = try FileManager.default.attributesOfItem(atPath: journal)
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect(try String(contentsOfFile: journal, encoding: .utf8).contains(b))

        let progress = Shared<[UploadProgress]>([])
        let response = try await resume(listener, journal) { progress.append($0) }
        #expect(response.status == 201 && response.metrics.resumptions == 1)
        let offset = server.heads.value.last?["upload-offset"].flatMap { Int64($0) } ?? -1
        #expect(offset > 0 && progress.value.allSatisfy { $0.bytesSent >= offset && (gzip || $0.bytesRead >= offset) })
        let parts = try receivedParts(of: (server.heads.value[0], server.stored[0].body, 0))
        #expect(parts.map(\.content) == [Array("Größe".utf8), first, second])
        #expect(server.methods == ["POST", "HEAD", "PATCH"])
        #expect(!FileManager.default.fileExists(atPath: journal))
    }

    @Test("a raw file with many checkpoints is compressed from the last one") func checkpoints() async throws {
        let directory = try TemporaryDirectory()
        var generator = SeededGenerator(case: 3)
        let content =
            (0..<90).flatMap { _ in [UInt8](repeating: generator.next() > .max / 2 ? 1 : 2, count: 100_000) }
            + generator.manyBytes(12_000_000)
        let path = try directory.write(content, to: "f")
        let journal = directory.path + "/journal"
        let server = ResumableServer { _, number in number == 1 ? .stall(after: 9_000_000) : .none }
        let listener = try FaultServer(server.serve)
        try await begin(server, listener, journal, gzip: true) { client in
            try await client.send(Request(.put, listener.url, content: .file(path)))
        }
        #expect(try await resume(listener, journal).status == 201)
        #expect(try Coding.gzip.decode(server.stored[0].body) == content)
    }

    @Test("a changed file is refused by name, and a changed journal without asking anybody") func changed() async throws
    {
        let directory = try TemporaryDirectory()
        let path = try directory.write(SeededGenerator.manyBytes(3_000_000, case: 2), to: "b")
        let journal = directory.path + "/journal"
        let server = ResumableServer(fault: stalling)
        let listener = try FaultServer(receiveBuffer: 64 << 10, server.serve)
        try await begin(server, listener, journal) { client in try await client.send(.file(path)) }
        let text = try String(contentsOfFile: journal, encoding: .utf8)
        for bad in ["", String(text.dropLast(5)), text.replacingOccurrences(of: "POST", with: "PUT")] {
            try bad.write(toFile: journal, atomically: false, encoding: .utf8)
            await expectError(.invalidJournal) { try await resume(listener, journal) }
        }
        await expectError(.invalidJournal) { try await resume(listener, directory.path + "/none") }
        // With the right digest, but a location elsewhere.
        let other = UploadJournal(
            method: "POST", url: listener.url, location: "http://localhost:1/", version: 8, body: .bytes([]))
        try other.text.write(toFile: journal, atomically: false, encoding: .utf8)
        await expectError(.invalidJournal) { try await resume(listener, journal) }
        #expect(server.methods == ["POST"])

        try text.write(toFile: journal, atomically: false, encoding: .utf8)
        try directory.write([1, 2, 3], to: "b")
        let error = await expectError(.sourceChanged) { try await resume(listener, journal) }
        #expect(error?.message.contains(path) == true)
        #expect(server.methods == ["POST"])
    }

    @Test("a refusal of the credentials, or a temporary one, keeps the journal", arguments: [401, 403, 503])
    func kept(status: Int) async throws {
        let directory = try TemporaryDirectory()
        let content = SeededGenerator.manyBytes(3_000_000, case: 2)
        let path = try directory.write(content, to: "b")
        let journal = directory.path + "/journal"
        // Of the question, and then of the rest of the body.
        let server = ResumableServer { _, number in
            number == 1 ? .stall(after: 200_000) : [2, 4].contains(number) ? .refuse(status) : .none
        }
        let listener = try FaultServer(receiveBuffer: 64 << 10, server.serve)
        try await begin(server, listener, journal) { client in
            try await client.send(Request(.put, listener.url, content: .file(path)))
        }
        let once = { (configuration: inout Client.Configuration) in
            configuration.resumption = quickResumption(attempts: 1)
            configuration.expect = .never
        }
        let error = await expectError(.resumptionFailed) {
            try await Client(.post, listener.url, once).resume(journal: journal)
        }
        #expect((error?.underlying as? StatusError)?.status == status)
        #expect(FileManager.default.fileExists(atPath: journal))
        let response = try await Client(.post, listener.url, once).resume(journal: journal)
        #expect(response.status == status && FileManager.default.fileExists(atPath: journal))
        #expect(try await resume(listener, journal).status == 201)
        #expect(server.stored[0].body == content && !FileManager.default.fileExists(atPath: journal))
        #expect(server.methods == ["PUT", "HEAD", "HEAD", "PATCH", "HEAD", "PATCH"])
    }

    @Test("a forgotten upload is an error; content that another process cannot read is refused at once")
    func refused() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write(SeededGenerator.manyBytes(3_000_000, case: 2), to: "b")
        let journal = directory.path + "/journal"
        let server = ResumableServer { _, number in
            number == 1 ? .stall(after: 200_000) : number == 2 ? .forget : .none
        }
        let listener = try FaultServer(receiveBuffer: 64 << 10, server.serve)
        try await begin(server, listener, journal) { client in try await client.send(.file(path)) }
        let error = await expectError(.resumptionFailed) { try await resume(listener, journal) }
        #expect(error?.message.contains("no longer knows") == true)

        let client = try Client(.post, listener.url) { configuration in
            configuration.resumption = .automatic
            configuration.journal = Path(journal)
        }
        await expectError(.invalidConfiguration) { try await client.sendUnclosed(.file(path)) }
        await expectError(.invalidConfiguration) {
            try await client.send(Part("a", .stream(AsyncStream(of: [[UInt8]]()))))
        }
        await expectError(.invalidConfiguration) {
            try await client.send(Part("a", .bytes([UInt8](repeating: 0, count: 100_000))))
        }
        #expect(refusal { $0.journal = "a" }?.code == .invalidConfiguration)
        let unwritable = try Client(.post, listener.url) { configuration in
            configuration.resumption = .automatic
            configuration.journal = Path(directory.path + "/none/journal")
        }
        await expectError(.destinationUnwritable) { try await unwritable.send(.file(path)) }
        #expect(server.methods.count == 2)
    }
}
