import Foundation
import Multipart
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("MultipartSource", .timeLimit(.minutes(2)))
struct MultipartSourceTests {
    let encoder = MultipartEncoder()

    /// The expected document, made without the reader.
    private func document(_ contents: [(Part, [UInt8])]) throws -> [UInt8] {
        try contents.reduce(into: []) { bytes, part in
            var head = PartHead(name: part.0.name, contentType: part.0.contentType)
            head.filenameBytes = part.0.filename?.bytes
            bytes += try encoder.opening(of: head) + part.1 + MultipartEncoder.partEnd
        } + encoder.messageEnd
    }

    private func sample(in directory: TemporaryDirectory) throws -> [(Part, [UInt8])] {
        let content = (0..<1000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let path = try directory.write(content, to: "größe 1.bin")
        let empty = try directory.write([], to: "empty")
        return [
            (.file(path), content), (.field("note", "äöü"), Array("äöü".utf8)), (.file(empty), []),
            (Part("file", .bytes([1, 2, 3]), filename: "x"), [1, 2, 3]), (.field("nothing", ""), []),
        ]
    }

    @Test(
        "the bytes and their exact length do not depend on the size of the buffer",
        arguments: [1, 2, 3, 7, 64, 1000, 65536])
    func everyBufferSize(size: Int) throws {
        let directory = try TemporaryDirectory()
        let parts = try sample(in: directory)
        let expected = try document(parts)
        let source = try form(parts.map(\.0), encoder: encoder)
        #expect(source.length == Int64(expected.count))
        let reader = try source.reader()
        #expect(try reader.readAll(buffer: size) == expected)
        #expect(reader.bytesRead == Int64(expected.count))
        #expect(reader.isAtEnd)
        #expect(try reader.readAll(buffer: size) == [])
    }

    @Test("a document can be read from every offset") func everyOffset() throws {
        let directory = try TemporaryDirectory()
        let parts = try sample(in: directory)
        let expected = try document(parts)
        let source = try form(parts.map(\.0), encoder: encoder)
        for offset in 0...expected.count {
            let reader = try source.reader(at: Int64(offset))
            #expect(reader.bytesRead == Int64(offset))
            #expect(try reader.readAll() == Array(expected[offset...]), "from \(offset)")
        }
        let error = #expect(throws: ClientError.self) { try source.reader(at: Int64(expected.count) + 1) }
        #expect(error?.code == .cannotSendAgain)
    }

    @Test("parts added one by one make the same document as parts given at once") func oneByOne() throws {
        let directory = try TemporaryDirectory()
        let parts = try sample(in: directory)
        let expected = try document(parts)
        let source = try form(isLast: false, encoder: encoder)
        let reader = try source.reader()
        var bytes: [UInt8] = []
        for part in parts {
            try source.add([part.0])
            #expect(source.length == nil)
            bytes += try reader.readAll(buffer: 100)
            #expect(!reader.isAtEnd)
        }
        try source.add([], isLast: true)
        bytes += try reader.readAll(buffer: 100)
        #expect(bytes == expected)
        #expect(source.length == Int64(expected.count))
        #expect(source.obstacle == nil)
        #expect(try source.reader().readAll(buffer: 100) == expected)
    }

    @Test("parts of an open request that have been read are released beyond 1 MiB") func replayBudget() throws {
        let source = try form(isLast: false, encoder: encoder)
        var reader = try source.reader()
        let part = Part.filler(300_000)
        for _ in 0..<3 {
            try source.add([part])
            _ = try reader.readAll(buffer: 65536)
        }
        let kept = reader.bytesRead
        reader = try source.reader(at: 0)
        reader = try source.reader(at: kept)
        for _ in 0..<4 {
            try source.add([part])
            _ = try reader.readAll(buffer: 65536)
        }
        #expect(source.obstacle != nil)
        let error = #expect(throws: ClientError.self) { try source.reader(at: 0) }
        #expect(error?.code == .cannotSendAgain)
        let before = reader.bytesRead
        try source.add([.field("last", "one")], isLast: true)
        let rest = try reader.readAll(buffer: 65536)
        #expect(source.length == before + Int64(rest.count))
    }

    @Test("parts are added all or none") func allOrNone() throws {
        let source = try form([.field("a", "1")], isLast: false, encoder: encoder)
        #expect(throws: ClientError.self) {
            try source.add([.field("b", "2"), .file("/no/such/file")], isLast: true)
        }
        let bytes = try source.reader().readAll(buffer: 100)
        #expect(!bytes.contains("\"b\"".utf8))
        #expect(source.length == nil)
    }

    @Test("one file is open at a time, and none after the end") func descriptors() throws {
        let directory = try TemporaryDirectory()
        let parts = try (0..<50).map { Part.file(try directory.write([UInt8](repeating: 1, count: 5000), to: "\($0)")) }
        let folder = directory.path
        let openFiles = { try openDescriptors { $0.hasPrefix(folder) } }
        let before = try openFiles()
        let source = try form(parts, encoder: encoder)
        // The first file stays open until it is read.
        #expect(try openFiles() == before + 1)
        let reader = try source.reader()
        var buffer = [UInt8](repeating: 0, count: 3000)
        var most = 0
        while case .bytes = try buffer.withUnsafeMutableBytes({ try reader.readWaiting(into: $0) }) {
            most = max(most, try openFiles())
        }
        #expect(most == before + 1)
        #expect(try openFiles() == before)
    }

    @Test("a file that shrinks, grows or is rewritten is an error that names it") func changes() throws {
        let directory = try TemporaryDirectory()
        let changes: [(String, (String) throws -> Void)] = [
            ("shrinks", { truncate($0, 1000) }),
            ("grows", { truncate($0, 5000) }),
            ("is rewritten", { try Data(repeating: 9, count: 4000).write(to: URL(fileURLWithPath: $0)) }),
        ]
        for (name, change) in changes {
            let path = try directory.write([UInt8](repeating: 1, count: 4000), to: "changing")
            for hasBegun in [true, false] {
                let reader = try form([.file(path)], encoder: encoder).reader()
                var buffer = [UInt8](repeating: 0, count: 2000)
                if hasBegun { _ = try buffer.withUnsafeMutableBytes { try reader.read(into: $0) } }
                // A change within the file system's granularity of time could go unseen.
                usleep(20_000)
                try change(path)
                let error = #expect(throws: ClientError.self, "\(name)") { try reader.readAll(buffer: 500) }
                // Whether it was rewritten in place or replaced, the error names the path.
                #expect(error?.code == .sourceChanged, "\(name), \(hasBegun)")
                #expect(error?.message.contains(path) == true)
                _ = try directory.write([UInt8](repeating: 1, count: 4000), to: "changing")
            }
        }
    }

    @Test("what cannot be opened and read is refused before anything is sent") func unreadable() throws {
        let directory = try TemporaryDirectory()
        for (path, text) in [
            (directory.path + "/missing", "No such file or directory"), (directory.path, "Is a directory"),
            ("/proc/self/mem", "Input/output error"),
        ] {
            let error = #expect(throws: ClientError.self) { try form([.file(path)], encoder: encoder) }
            #expect(error?.code == .sourceUnreadable)
            #expect(error?.description == "\(path): \(text)")
        }
    }

    @Test("a content type that no header line can hold is refused") func invalidPart() throws {
        let part = Part("file", .bytes([]), contentType: "text/plain\r\nX: y")
        let error = #expect(throws: ClientError.self) { try form([part], encoder: encoder) }
        #expect(error?.code == .invalidPart)
    }

    @Test("the memory that parts hold is counted when they are added and released") func heldMemory() throws {
        let source = MultipartSource(isOpenEnded: true, replayBudget: 1)
        let window = Preparation(recognizesCompressed: false, window: 1000)
        let pipes = try (0..<3).map { _ in try OpenPipe() }
        for pipe in pipes {
            let part = Part("pipe", .descriptor(pipe.reader))
            source.append(try source.prepare([part, .field("d", "e")], window), isLast: false)
        }
        #expect(source.heldMemory == 3000)
        source.didReadPart(2, endingAt: 500)
        #expect(source.heldMemory == 1000)
    }

    @Test("what an open request asks for with each part takes as long with many parts as with few") func linear() throws
    {
        let part = try MultipartSource().prepare([.field("a", "b")], Preparation(recognizesCompressed: false))
        let ratio = timeRatio(small: 500) { count in
            let source = MultipartSource(isOpenEnded: true)
            for _ in 0..<count {
                source.append(part, isLast: false)
                _ = (source.heldMemory, source.encoderCount)
            }
        }
        #expect(ratio < linearTimeRatio)
    }
}
