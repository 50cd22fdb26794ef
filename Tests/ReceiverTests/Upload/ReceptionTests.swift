import HTTPTypes
import Multipart
import NIOCore
import Testing

@testable import Receiver

@Suite("Reception", .timeLimit(.minutes(3)))
struct ReceptionTests {
    /// Records the calls of the storage, and fails at one of them.
    actor Recorder {
        private(set) var calls: [String] = []
        let failing: String?

        init(failing: String? = nil) { self.failing = failing }

        func record(_ call: String) throws(StorageError) {
            calls.append(call)
            if let failing, call.hasPrefix(failing) { throw StorageError(.noSpace, "no space") }
        }
    }

    struct Transaction: StorageTransaction {
        let recorder: Recorder
        var files = 0

        mutating func beginFile(
            named filename: String, contentType: String?, _ naming: Naming
        ) async throws(StorageError) {
            try await recorder.record("begin \(filename)")
            files += 1
        }
        mutating func write(_ pieces: [ByteBuffer]) async throws(StorageError) {
            try await recorder.record("write " + pieces.map { String(buffer: $0) }.joined(separator: "+"))
        }
        mutating func endFile() async throws(StorageError) { try await recorder.record("end") }
        mutating func publish() async throws(StorageError) -> [PublishedFile?] {
            try await recorder.record("publish")
            return Array(repeating: PublishedFile(name: "name", version: "1", isReplacement: false), count: files)
        }
        mutating func abandon() async { try? await recorder.record("abandon") }
    }

    private func receive(
        _ chunks: [String], failing: String? = nil, error: (any Error)? = nil, contentLength: Int? = nil
    ) async throws -> (calls: [String], result: Result<UploadReport, any Error>) {
        var head = HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/")
        head.headerFields[.contentType] = "multipart/form-data; boundary=B"
        let recorder = Recorder(failing: failing)
        var reception = Reception(try UploadRequest(form: head), into: Transaction(recorder: recorder))
        let body = AsyncThrowingStream<ByteBuffer, any Error> { continuation in
            for chunk in chunks { continuation.yield(ByteBuffer(string: chunk)) }
            continuation.finish(throwing: error)
        }
        let result: Result<UploadReport, any Error>
        do {
            result = .success(try await reception.receive(body, contentLength: contentLength))
        } catch {
            result = .failure(error)
        }
        return (await recorder.calls, result)
    }

    private static let head = "--B\r\nContent-Disposition: form-data; name=f; filename=x\r\n\r\n"

    @Test("one write for each chunk") func writes() async throws {
        let (calls, result) = try await receive([
            Self.head + "a\r", "\nb\r\n--B", "Cc\r\n--Bd", "e\r\n--B--\r\n",
        ])
        #expect(
            calls == ["begin x", "write a", "write \r+\nb", "write \r\n--B+Cc\r\n--Bd", "write e", "end", "publish"])
        #expect(try result.get().parts.map(\.size) == ["a\r\nb\r\n--BCc\r\n--Bde".utf8.count])
    }

    @Test("after a failure of the storage the files are abandoned", arguments: ["begin", "write", "end", "publish"])
    func storageFails(failing: String) async throws {
        let (calls, result) = try await receive([Self.head + "abc\r\n--B--\r\n"], failing: failing)
        #expect(calls.suffix(2).first?.hasPrefix(failing) == true)
        #expect(calls.last == "abandon")
        let error = #expect(throws: StorageError.self) { try result.get() }
        #expect(error.map { Refusal(for: $0) } == Refusal(.noSpace, "no space"))
    }

    @Test("after a lost connection the files are abandoned") func lostConnection() async throws {
        let (calls, result) = try await receive([Self.head + "abc\r\n--B--\r\n"], error: ChannelError.eof)
        #expect(calls == ["begin x", "write abc", "end", "abandon"])
        #expect(throws: ChannelError.self) { try result.get() }
    }

    @Test("a body shorter than its Content-Length is not published") func shortBody() async throws {
        let (calls, result) = try await receive([Self.head + "abc\r\n--B--\r\n"], contentLength: 1000)
        #expect(calls.last == "abandon")
        #expect(throws: Refusal.self) { try result.get() }
    }

    @Test("a cancelled task publishes nothing") func cancelled() async throws {
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await receive([Self.head + "abc\r\n--B--\r\n"])
        }
        let (calls, result) = try await task.value
        #expect(!calls.contains("publish"))
        #expect(calls.last == "abandon")
        #expect(throws: (any Error).self) { try result.get() }
    }
}
