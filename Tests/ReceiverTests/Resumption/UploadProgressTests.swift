import Testing

@testable import Receiver

/// The offsets of an upload, without I/O.
@Suite("Offsets of uploads", .timeLimit(.minutes(3)))
struct UploadProgressTests {
    private typealias Append = UploadProgress.Append

    @Test("an upload of known length") func known() throws {
        var progress = UploadProgress(length: 10)
        try progress.append(Append(offset: 0, isLast: false, length: 10, contentLength: 4))
        try progress.received(4)
        #expect(try !progress.ended(isLast: false))
        #expect(throws: UploadProgress.Problem.offset(expected: 4, provided: 3)) {
            try progress.append(Append(offset: 3, isLast: true, length: nil, contentLength: 7))
        }
        for append in [
            Append(offset: 4, isLast: true, length: nil, contentLength: 5),
            Append(offset: 4, isLast: false, length: nil, contentLength: 7),
            Append(offset: 4, isLast: nil, length: 11, contentLength: nil),
            Append(offset: 4, isLast: true, length: nil, contentLength: .max),
        ] {
            #expect(throws: UploadProgress.Problem.length) { try progress.append(append) }
        }
        try progress.append(Append(offset: 4, isLast: nil, length: nil, contentLength: nil))
        #expect(throws: UploadProgress.Problem.length) { try progress.received(7) }
        try progress.received(6)
        #expect(try progress.ended(isLast: nil))
        #expect(progress.isAtEnd)
    }

    @Test("an upload whose length its last request decides") func unknown() throws {
        var progress = UploadProgress()
        try progress.append(Append(offset: 0, isLast: false, length: nil, contentLength: nil))
        try progress.received(4)
        #expect(try !progress.ended(isLast: false))
        #expect(progress.length == nil && !progress.isAtEnd)
        try progress.append(Append(offset: 4, isLast: true, length: nil, contentLength: nil))
        #expect(try progress.ended(isLast: true))
        #expect(progress.length == 4)
    }

    @Test("a last request that is too short") func short() throws {
        var progress = UploadProgress(length: 10)
        try progress.append(Append(offset: 0, isLast: true, length: nil, contentLength: nil))
        try progress.received(9)
        #expect(throws: UploadProgress.Problem.length) { try progress.ended(isLast: true) }
        #expect(progress.length == 10)
    }
}
