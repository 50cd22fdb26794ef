import Foundation
import Multipart
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Part", .timeLimit(.minutes(3)))
struct PartTests {
    @Test("A part has header fields of its own, and no second Content-Type or Content-Disposition")
    func partFields() async throws {
        let (recorder, _, client) = try recording()
        var part = Part("a", .text("x"), contentType: "text/x", headerFields: ["X-Part": "ü"])
        part.headerFields.append("X-Part", "2")
        _ = try await client.send(part)
        let head = try #require(try recorder.lastParts().first).head
        #expect(head.otherFields == [HeaderField(name: "X-Part", value: "ü"), HeaderField(name: "X-Part", value: "2")])
        for name in ["content-type", "Content-Disposition", "a b"] {
            part.headerFields = [name: "x"]
            await expectError(.invalidPart) { try await client.send(part) }
        }
    }

    @Test("a description has name, filename and length, and no content, header field or control character")
    func descriptions() throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write([UInt8](repeating: 1, count: 1_048_576), to: "video.mp4")
        let stream = AsyncStream<[UInt8]>(of: [[1, 2]])
        var secret = Part("s", .text("the secret"), headerFields: ["Authorization": "Bearer token"])
        secret.filename = Path(bytes: Array("a\"b\n".utf8) + [0xFF])
        let expected: [(Part, String)] = [
            (.file(file, name: "video"), #"video: "video.mp4", 1048576 bytes"#),
            (.file(file, range: 100..<101), #"file: "video.mp4", 1 byte"#),
            (.file(file, changes: .asRead), #"file: "video.mp4", unknown length"#),
            (.file(directory.path("missing.txt")), #"file: "missing.txt", unknown length"#),
            (
                .file(directory.path),
                "file: \(Path(directory.path).lastComponent.description.debugDescription), unknown length"
            ),
            (.file("a\0b"), #"file: "a\0b", unknown length"#),
            (.field("title", "Größe"), "title: 7 bytes"), (.field("", ""), ": 0 bytes"),
            (.field("a\r\nb\u{1B}", "x"), #"a\r\nb\u{1B}: 1 byte"#),
            (Part("dump", .stream(stream), filename: "db.sql.gz"), #"dump: "db.sql.gz", unknown length"#),
            (Part("two", .stream(stream, length: 2)), #"two: "file", 2 bytes"#),
            (Part.file(file).gzipped(), #"file: "video.mp4.gz", unknown length"#),
            (Part("d", .file(file).digested(into: ContentDigest())), #"d: "video.mp4", 1048576 bytes"#),
            (secret, #"s: "a\"b\n�", 10 bytes"#),
        ]
        for (part, description) in expected { #expect("\(part)" == description) }
        #expect(Part.file(file).content.length == 1_048_576)
    }

    @Test("the length of a descriptor is that of a file from its position on; nothing is opened or read")
    func descriptorLengths() throws {
        let pipe = try OpenPipe(holding: [1, 2, 3])
        #expect("\(Part("p", .descriptor(pipe.reader)))" == #"p: "file", unknown length"#)
        #expect("\(Part("p", .descriptor(pipe.reader, length: 2)))" == #"p: "file", 2 bytes"#)
        var bytes = [UInt8](repeating: 0, count: 8)
        #expect(read(pipe.reader, &bytes, 8) == 3)

        let directory = try TemporaryDirectory()
        let file = open(try directory.write(0..<100, to: "file"), O_RDONLY)
        defer { close(file) }
        lseek(file, 30, SEEK_SET)
        #expect(Content.descriptor(file).length == 70 && lseek(file, 0, SEEK_CUR) == 30)
        lseek(file, 300, SEEK_SET)
        #expect(Content.descriptor(file).length == 0 && Content.descriptor(-1).length == nil)

        // Nobody writes to it: opening it would wait, or would be seen as a reader.
        let fifo = directory.path("fifo")
        #expect(mkfifo(fifo, 0o600) == 0)
        #expect("\(Part.file(fifo))" == #"file: "fifo", unknown length"#)
        let made = Shared(0)
        let sequence = Content.stream {
            made.update { $0 += 1 }
            return AsyncStream<[UInt8]>(of: [])
        }
        #expect(sequence.length == nil && made.value == 0)
    }

    @Test("the length of a form is that of the request, also of a form within a form") func formLength() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write([UInt8](repeating: 1, count: 12_345), to: "ü.bin")
        let inner = Content.multipart([.field("a", "b"), .file(file)])
        var nested = Part("inner", inner, headerFields: ["X-Part": "1"])
        nested.contentType = "text/plain"
        let forms: [Content] = [.multipart([]), inner, .multipart([nested, .field("c", "")])]
        let (recorder, server, client) = try recording()
        for form in forms {
            _ = try await client.send(Request(.post, server.url, content: form))
            #expect(form.length == recorder.last.map { Int64($0.body.count) })
            #expect(form.length.map { "\($0)" } == recorder.last?.head["content-length"])
        }
        let unknown: [Part] = [.file(directory.path("missing")), Part("a", .text(""), headerFields: ["a b": "c"])]
        for part in unknown { #expect(Content.multipart([part]).length == nil) }
        let whole = Part.file("x", range: 0..<Int64.max)
        #expect(Content.multipart([whole, whole]).length == nil && inner.gzipped().length == nil)
    }
}
