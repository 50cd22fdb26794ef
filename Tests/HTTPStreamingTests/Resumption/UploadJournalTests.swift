import ContentCoding
import Foundation
import Platform
import TestSupport
import Testing

@testable import HTTPStreaming

/// The text of journals.
@Suite("Upload journal")
struct UploadJournalTests {
    private static let file = UploadJournal.Entry.file(
        UploadJournal.File(
            path: Path(bytes: Array("/a b/ü%\n".utf8) + [0xFF]), start: 3, length: 5, mayGrow: true,
            identity: OpenFile.Identity(
                device: 1, inode: 2, size: 1 << 40, modifiedSeconds: 1_700_000_000, modifiedNanoseconds: 999_999_999)))

    private static let settings = CodingSettings(coding: .gzip, level: 9, storesIncompressible: true)

    private static let bodies: [UploadJournal.Entry] = [
        file,
        .bytes([]),
        .multipart(
            boundary: "a'b c",
            [
                .init(name: "ä \n", filename: nil, opening: [0, 255, 10], content: .bytes([1, 2, 3])),
                .init(name: "", filename: "x=y", opening: [], content: .coded(settings, zlib: "1.3", [], file)),
            ]),
        .coded(
            settings, zlib: "1.2.13",
            [
                .init(codedLength: 5, contentLength: 9, checksum: 7),
                .init(codedLength: 50, contentLength: 90, checksum: .max),
            ], file),
    ]

    private static let journals = bodies.map {
        UploadJournal(
            method: "POST", url: "http://localhost/?a=b c", location: "http://localhost/u/1", version: 8, body: $0)
    }

    @Test("what was written is read", arguments: 0..<4) func roundTrip(index: Int) throws {
        let journal = Self.journals[index]
        #expect(try UploadJournal(parsing: journal.text) == journal)
    }

    @Test("a text that was truncated, or in which a byte was changed, is refused", arguments: 0..<4)
    func damaged(index: Int) throws {
        let text = Array(Self.journals[index].text.utf8)
        for count in 0..<text.count {
            #expect(throws: UploadJournal.Fault.self) {
                _ = try UploadJournal(parsing: String(decoding: text[..<count], as: UTF8.self))
            }
        }
        for position in 0..<text.count {
            var changed = text
            changed[position] = changed[position] == 0x30 ? 0x31 : 0x30
            #expect(throws: UploadJournal.Fault.self) {
                _ = try UploadJournal(parsing: String(decoding: changed, as: UTF8.self))
            }
        }
    }

    @Test("lines that make no sense are refused although the digest is right")
    func senseless() throws {
        let journal = Self.journals[1].text
        let request = try #require(journal.split(separator: "\n").dropFirst().first)
        for lines in [
            "", "bytes", "bytes = =", "file /a 0 5 unchanged 1 2 4 0 0", "file /a 0 -5 unchanged 1 2 4 0 0",
            "multipart a 1", "multipart a 99999999999", "part a ! =", "coded br 6 always 1\nbytes =",
            "coded gzip 10 always 1\nbytes =", "coded gzip 6 always 1\ncheckpoint 5 5 1\ncheckpoint 5 6 1\nbytes =",
            String(repeating: "coded gzip 6 always 1\n", count: 20) + "bytes =", "bytes =\nbytes =",
        ] {
            let text = "http-streaming-journal 1\n\(request)\n\(lines)\n"
            var digest = MessageDigest(.sha256)
            Array(text.utf8).withUnsafeBytes { digest.update($0) }
            let whole = text + "sha-256 \(digest.finish().hexadecimal)\n"
            #expect(throws: UploadJournal.Fault.self, "\(lines)") { _ = try UploadJournal(parsing: whole) }
        }
    }
}
