import Foundation
import Multipart
import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("Parts of ranges and folders", .timeLimit(.minutes(3)))
struct PartFilesTests {
    private func sent(_ parts: [Part], coding: Client.ContentCoding = .identity) async throws -> [(
        filename: String?, content: [UInt8]
    )] {
        let (recorder, _, client) = try recording { $0.contentCoding = coding }
        _ = try await client.send(parts)
        return try recorder.lastParts().map { ($0.filename, $0.content) }
    }

    @Test("a range of a file is sent with its length", arguments: [Client.ContentCoding.identity, .automatic])
    func range(coding: Client.ContentCoding) async throws {
        let directory = try TemporaryDirectory()
        let content = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 251) }
        let path = try directory.write(content, to: "file.bin")
        let ranges: [Range<Int64>] = [
            0..<1_000_000, 0..<0, 1..<2, 999_999..<1_000_000, 1_000_000..<1_000_000, 7..<700_001,
        ]
        let parts = ranges.map { Part.file(path, range: $0) }
        let received = try await sent(parts + [Part.file(path, range: 5..<600_000).gzipped()], coding: coding)
        for (part, range) in zip(received, ranges) {
            #expect(part.content == Array(content[Int(range.lowerBound)..<Int(range.upperBound)]), "\(range)")
            #expect(part.filename == "file.bin")
        }
    }

    @Test("a range outside the file is refused before anything is sent") func outside() async throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write([1, 2, 3], to: "file")
        let server = try FaultServer(Recorder().serve)
        let client = try Client(.post, server.url)
        for range: Range<Int64> in [0..<4, 4..<4, -1..<2, 0..<Int64.max] {
            let error = await expectError(.sourceUnreadable, "\(range)") {
                try await client.send(.file(path, range: range))
            }
            #expect(error?.message.hasPrefix(path) == true)
        }
        #expect(server.accepted == 0)
    }

    @Test("the body can be read again from any offset within a range") func seek() throws {
        let directory = try TemporaryDirectory()
        let path = try directory.write((0..<200).map { UInt8($0) }, to: "file")
        let source = try form([.file(path, range: 50..<150), Part("file", .bytes([9]))])
        let whole = try source.reader().readAll()
        #expect(whole.count == Int(try #require(source.length)))
        for offset in 0..<whole.count {
            #expect(try source.reader(at: Int64(offset)).readAll() == Array(whole[offset...]), "from \(offset)")
        }
    }

    @Test("a folder gives its files by relative path, sorted, and nothing else") func folder() async throws {
        let directory = try TemporaryDirectory()
        for folder in ["b", "b/deep", "empty", "ä"] {
            try FileManager.default.createDirectory(
                atPath: directory.path(folder), withIntermediateDirectories: true)
        }
        let names = ["b/deep/x", "b/a.txt", "b.txt", "B", "ä/ö", ".hidden", "a b"]
        for name in names { try directory.write(Array(name.utf8), to: name) }
        mkfifo(directory.path("pipe"), 0o600)
        for (link, target) in [("to-file", "b.txt"), ("to-folder", "b"), ("dangling", "none")] {
            try FileManager.default.createSymbolicLink(atPath: directory.path(link), withDestinationPath: target)
        }
        let sorted = [".hidden", "B", "a b", "b.txt", "b/a.txt", "b/deep/x", "ä/ö"]
        for root in [directory.path, directory.path + "/"] {
            let received = try await sent(try await Part.files(in: root, name: "f"))
            #expect(received.map(\.filename) == sorted)
            #expect(received.map(\.content) == sorted.map { Array($0.utf8) })
        }
        var error = await #expect(throws: ClientError.self) {
            _ = try await Part.files(in: directory.path, followsLinks: true)
        }
        #expect(error?.message == "\(directory.path)/dangling: No such file or directory")
        try FileManager.default.removeItem(atPath: directory.path("dangling"))
        let followed = try await sent(try await Part.files(in: directory.path, followsLinks: true))
        let links = ["to-file", "to-folder/a.txt", "to-folder/deep/x"]
        #expect(followed.map(\.filename) == Array(sorted.dropLast() + links + ["ä/ö"]))
        try FileManager.default.createSymbolicLink(
            atPath: directory.path("b/deep/up"), withDestinationPath: directory.path)
        error = await #expect(throws: ClientError.self) {
            _ = try await Part.files(in: directory.path, followsLinks: true)
        }
        #expect(error?.underlying as? SystemError == SystemError(code: ELOOP))
        #expect(try await Part.files(in: directory.path).count == sorted.count)
    }

    @Test("an unreadable folder is an error that names it") func unreadable() async throws {
        let directory = try TemporaryDirectory()
        let file = try directory.write([1], to: "file")
        for (path, code) in [(directory.path("none"), ENOENT), (file, ENOTDIR), ("a\0b", EINVAL), ("", ENOENT)] {
            let error = await #expect(throws: ClientError.self) { _ = try await Part.files(in: path) }
            #expect(error?.code == .sourceUnreadable && error?.message.hasPrefix(path) == true)
            #expect(error?.underlying as? SystemError == SystemError(code: code), "\(path)")
        }
    }

    #if os(Linux)
    @Test("names that are not UTF-8 are sent as they are, alone and in a folder") func anyName() async throws {
        let directory = try TemporaryDirectory()
        let name: [UInt8] = [0x61, 0xFF, 0x22, 0xE9]
        let folder = Path(bytes: Array("\(directory.path)/".utf8) + [0xFE])
        let path = Path(bytes: folder.bytes + [0x2F] + name)
        try #require(
            (folder.bytes + [0]).withUnsafeBytes { mkdir($0.bindMemory(to: CChar.self).baseAddress!, 0o700) } == 0)
        let created = (path.bytes + [0]).withUnsafeBytes {
            open($0.bindMemory(to: CChar.self).baseAddress!, O_CREAT | O_WRONLY, 0o600)
        }
        try #require(created >= 0)
        #expect(write(created, "content", 7) == 7)
        close(created)
        let (recorder, server, client) = try recording()
        _ = try await client.send(.file(path))
        _ = try await client.send(Part.files(in: Path(directory.path)))
        _ = try await client.send(Request(.put, server.url, content: .file(path)))
        let expected = [name, [0xFE, 0x2F] + name]
        for (number, filename) in expected.enumerated() {
            let part = try #require(try receivedParts(of: recorder.request(number)).first)
            #expect(part.head.filenameBytes == filename)
            #expect(part.content == Array("content".utf8))
        }
        #expect(recorder.request(2).body == Array("content".utf8))
    }
    #endif
}
