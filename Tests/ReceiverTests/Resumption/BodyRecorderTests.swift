import HTTPTypes
import Multipart
import NIOCore
import TestSupport
import Testing

@testable import Receiver

/// The record of a body, without I/O.
@Suite("Records of unfinished bodies", .timeLimit(.minutes(3)))
struct BodyRecorderTests {
    /// Parses a body in pieces, and takes the segments after each.
    private static func segments(of form: AwkwardForm, case number: Int) throws -> [[BodySegment]] {
        var generator = SeededGenerator(case: number)
        var parser = MultipartParser(boundary: try Boundary("B"))
        var recorder = BodyRecorder()
        var machine = Reception.StateMachine()
        var entries: [[BodySegment]] = []
        var rest = form.body[...]
        while !rest.isEmpty {
            let count = Int.random(
                in: 1...max(1, min(rest.count, generator.pick([3, 100, 100_000]))), using: &generator)
            let piece = ByteBuffer(bytes: rest.prefix(count))
            rest = rest.dropFirst(count)
            var offset = 0
            while let event = try piece.withUnsafeReadableBytes({ try parser.next(in: $0, at: &offset) }) {
                switch event {
                case .partBegan(let head): _ = try machine.partBegan(head)
                case .content(let range):
                    piece.withUnsafeReadableBytes {
                        _ = machine.contentArrived(UnsafeRawBufferPointer(rebasing: $0[range]))
                    }
                case .heldContent(let bytes): bytes.withUnsafeBytes { _ = machine.contentArrived($0) }
                case .partEnded: _ = machine.partEnded()
                case .messageEnded: machine.messageEnded()
                }
                recorder.read(event, through: offset, of: piece, file: machine.currentFile)
            }
            recorder.pieceEnded(piece, isInFile: machine.currentFile != nil)
            if generator.oneIn(2) { entries.append(recorder.takeSegments()) }
        }
        return entries + [recorder.takeSegments()]
    }

    @Test(
        "the segments, with the contents of the files, are the body; after each entry they are its beginning",
        arguments: 0..<40)
    func reassembled(number: Int) throws {
        let form = AwkwardForm(case: number, maximum: 20_000, lineBreak: number.isMultiple(of: 4) ? "\n" : "\r\n")
        var (body, undecided): ([UInt8], [UInt8]) = ([], [])
        var positions = [Int](repeating: 0, count: form.files.count)
        for entry in try Self.segments(of: form, case: number) {
            undecided = []
            for segment in entry {
                switch segment {
                case .literal(let bytes): body += bytes
                case .content(let file, let count):
                    body += form.files[file].content[positions[file]..<(positions[file] + count)]
                    positions[file] += count
                case .undecided(let bytes): undecided = bytes
                case .coded, .length, .digests: Issue.record("unexpected \(segment)")
                }
            }
            #expect(form.body.starts(with: body + undecided), "seed \(SeededGenerator.seed), case \(number)")
        }
        #expect(body == form.body && positions == form.files.map(\.content.count), "seed \(SeededGenerator.seed)")
    }

    @Test("entries are read as they were written, and an incomplete one at the end is ignored") func entries() throws {
        let segments: [BodySegment] = [
            .literal([1, 2, 3]), .content(file: 7, count: 1 << 40), .coded(count: 5), .undecided([]), .length(.max),
            .digests([5, 6]),
        ]
        let record = BodyRecord.entry(segments) + BodyRecord.entry([.literal([4])])
        let first = try #require(try BodyRecord.next(in: record[...], isLast: true))
        #expect(first.segments == segments)
        let second = try #require(try BodyRecord.next(in: record[first.byteCount...], isLast: true))
        #expect(second.segments == [.literal([4])] && first.byteCount + second.byteCount == record.count)
        for length in first.byteCount..<record.count {
            #expect(try BodyRecord.next(in: record[first.byteCount..<length], isLast: true) == nil)
        }
        // After a power cut it may have its length, and zeros.
        let zeros = record[..<(first.byteCount + 4)] + [UInt8](repeating: 0, count: second.byteCount - 4)
        #expect(try BodyRecord.next(in: zeros[first.byteCount...], isLast: true) == nil)
    }

    @Test("an entry that was changed is damaged") func damaged() throws {
        let entry = BodyRecord.entry([.literal([1, 2, 3]), .content(file: 0, count: 9)])
        for index in 4..<entry.count {
            var changed = entry + BodyRecord.entry([])
            changed[index] ^= 1
            #expect(throws: BodyRecord.DamagedError.self, "byte \(index)") {
                try BodyRecord.next(in: changed[...], isLast: true)
            }
        }
    }

    @Test("requests and answers are read as they were written") func texts() throws {
        let head = HTTPRequestHead.sample
        let creation = UploadCreation(dialect: .draft(.eight), length: 12, isLast: true)
        let record = UploadRecord(head, creation)
        #expect(!String(decoding: record.bytes, as: UTF8.self).contains("secret"))
        let read = try #require(UploadRecord(bytes: record.bytes))
        #expect(read == record && read.length == 12 && read.owner == UploadRecord.Owner(head))
        for length in 0..<record.bytes.count { #expect(UploadRecord(bytes: Array(record.bytes[..<length])) == nil) }
        let report = UploadReport(parts: [], file: PublishedFile(name: "ä b", version: "1", isReplacement: true))
        let upload = try UploadRequest(content: .file(named: "ä b", contentType: nil))
        let answer = UploadAnswer(report, to: upload, length: 3)
        #expect(UploadAnswer(bytes: answer.bytes) == answer && answer.status == 200)
        #expect(UploadAnswer(bytes: Array("999\n1\n\n".utf8)) == nil && UploadAnswer(bytes: []) == nil)
    }
}

private enum HTTPRequestHead {
    static let sample = HTTPRequest(
        method: .put, scheme: "http", authority: "x", path: "/a%20b?c",
        headerFields: [
            .authorization: "Bearer secret", .cookie: "secret", .contentType: "text/plain; a=\"é\"",
            .contentLength: "3",
        ])
}
