import TestSupport
import Testing

@testable import Multipart

@Suite("Multipart body", .timeLimit(.minutes(3)))
struct MultipartBodyTests {
    private typealias Body = MultipartBody<[UInt8]>
    private let source = SharedChunks([[], Array("one".utf8), [], Array("two".utf8), []])

    @Test("a body is the encoder's message, of the length that it says, each time it is read") func message()
        async throws
    {
        let head = PartHead(name: "f", filename: "ä\".bin", contentType: "text/plain")
        let body = try Body([
            .field("title", "Größe"), .init(head, length: 6, chunks: source), .init(PartHead(name: "e"), []),
        ])
        let encoder = MultipartEncoder(boundary: try Boundary(contentType: body.contentType))
        var expected = try encoder.opening(of: PartHead(name: "title")) + "Größe".utf8 + MultipartEncoder.partEnd
        expected += try encoder.opening(of: head) + "onetwo".utf8 + MultipartEncoder.partEnd
        expected += try encoder.opening(of: PartHead(name: "e")) + MultipartEncoder.partEnd + encoder.messageEnd
        #expect(body.contentLength == expected.count)
        for _ in 0..<2 {
            var message: [UInt8] = []
            for try await chunk in body {
                #expect(!chunk.isEmpty)
                message += chunk
            }
            #expect(message == expected)
        }
    }

    @Test("a body without parts is a closing delimiter") func empty() async throws {
        let body = try Body([], boundary: Boundary("B"))
        #expect(try await body.reduce([], +) == Array("--B--\r\n".utf8))
        #expect(body.contentLength == 7)
    }

    @Test("a part of unknown length makes the length of the body unknown") func unknownLength() throws {
        #expect(try Body([.field("a", "b"), .init(PartHead(name: "f"), chunks: source)]).contentLength == nil)
    }

    @Test("a part that is not as long as announced is an error, and stays one", arguments: [0, 5, 7])
    func lengthMismatch(length: Int) async throws {
        var iterator = try Body([.init(PartHead(name: "f"), length: length, chunks: source)]).makeAsyncIterator()
        var content = 0
        for _ in 0..<2 {
            let error = await #expect(throws: MultipartError.self) {
                while let chunk = try await iterator.next() { content += chunk.count }
            }
            #expect(error?.code == .lengthMismatch)
        }
        let opening = try MultipartEncoder().opening(of: PartHead(name: "f")).count
        #expect(content - opening <= length)
    }

    @Test("an error of a part's sequence is the body's, and stays it") func sourceError() async throws {
        struct Broken: Error {}
        let part = Body.Part(PartHead(name: "f"), chunks: SharedChunks([[1]], error: Broken()))
        var iterator = try Body([part]).makeAsyncIterator()
        for _ in 0..<2 {
            await #expect(throws: Broken.self) { while try await iterator.next() != nil {} }
        }
    }

    @Test("a head that cannot be written is refused") func invalidHead() {
        #expect(errorCode { () throws(MultipartError) in _ = try Body([.field("a\0", "")]) } == .invalidField)
    }

    @Test("a body is read by a sequence as it was written") func roundTrip() async throws {
        print("MultipartBodyTests: TEST_SEED=\(SeededGenerator.seed)")
        for number in 0..<50 {
            var generator = SeededGenerator(case: number)
            let parts = (0..<Int.random(in: 0...4, using: &generator)).map { index in
                (0..<Int.random(in: 0...4, using: &generator)).map { _ in
                    generator.bytes(Int.random(in: 0...50, using: &generator))
                }
            }
            let body = try Body(parts.map { .init(PartHead(name: "n"), chunks: SharedChunks($0)) })
            var read: [[UInt8]] = []
            for try await part in try MultipartSequence(body, contentType: body.contentType) {
                read.append(try await part.bytes(limit: 1000))
            }
            #expect(read == parts.map { Array($0.joined()) }, "case \(number)")
        }
    }
}

/// Chunks, and then an error if there is one; can be read any number of times.
private struct SharedChunks: AsyncSequence, Sendable {
    let chunks: [[UInt8]]
    var error: (any Error)?

    init(_ chunks: [[UInt8]], error: (any Error)? = nil) {
        self.chunks = chunks
        self.error = error
    }

    func makeAsyncIterator() -> Chunks<[UInt8]>.AsyncIterator { Chunks(chunks, error: error).makeAsyncIterator() }
}
