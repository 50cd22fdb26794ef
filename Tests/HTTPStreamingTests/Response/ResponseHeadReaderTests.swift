import TestSupport
import Testing

@testable import HTTPStreaming

@Suite("ResponseHeadReader", .timeLimit(.minutes(3)))
struct ResponseHeadReaderTests {
    private func read(
        _ lines: [String], expectsContinue: Bool = false, digest: ResponseHeadReader.Digest = .none,
        mayBeSentAgain: Bool = true
    ) -> (ResponseHeadReader, [Int]) {
        var reader = ResponseHeadReader(expectsContinue: expectsContinue, digest: digest)
        let statuses = lines.compactMap { line in
            var line = line + "\r\n"
            return line.withUTF8 { reader.append(UnsafeRawBufferPointer($0), mayBeSentAgain: mayBeSentAgain) }
        }
        return (reader, statuses)
    }

    @Test("fields keep their order and repetitions, and are found in any case") func fields() {
        let (reader, statuses) = read([
            "HTTP/1.1 200 OK", "Set-Cookie: a=1", "X-Empty:", "set-cookie:b=2  ", "Via: 1.1 x", "VIA: 1.1 y", "",
        ])
        #expect(statuses == [200])
        #expect(!reader.isUntouched && ResponseHeadReader(expectsContinue: false).isUntouched)
        #expect(reader.fields.values(of: "SET-COOKIE") == ["a=1", "b=2"])
        #expect(reader.fields["x-empty"] == "")
        #expect(reader.fields["via"] == "1.1 x, 1.1 y")
        #expect(reader.fields["none"] == nil)
    }

    @Test("folded lines and CR become single spaces, and none surround a value") func foldedLines() {
        let (reader, _) = read([
            "HTTP/1.1 200 OK", "A:", " 1", "\t2 ", " ", "B: x", "  ", "C: \r", " y\r\r", "D: a\rb", "",
        ])
        #expect(reader.fields.map(\.value) == ["1 2", "x", "y", "a b"])
    }

    @Test("informational responses and trailer fields are not part of the final head") func informational() {
        let (reader, statuses) = read([
            "HTTP/1.1 100 Continue", "", "HTTP/1.1 103 Early Hints", "Link: x", "", "HTTP/2 204 ", "A: b", "",
            "Trailer-Field: z", "",
        ])
        #expect(statuses == [204])
        #expect(reader.fields.map(\.name) == ["A"])
    }

    @Test("a 417 that libcurl handles is not final; the next head is, as is an unexpected 417") func expectation() {
        let refused = ["HTTP/1.1 417 Expectation Failed", "A: 1", ""]
        #expect(read(refused, expectsContinue: true).1 == [])
        #expect(read(refused, expectsContinue: true).0.tentativeStatus == 417)
        let (again, statuses) = read(refused + ["HTTP/1.1 201 Created", "B: 2", ""], expectsContinue: true)
        #expect(statuses == [201])
        #expect(again.fields.map(\.name) == ["B"])
        #expect(again.tentativeStatus == nil)
        #expect(read(refused + refused, expectsContinue: true).1 == [417])
        #expect(read(refused).1 == [417])
        #expect(read(refused, expectsContinue: true, mayBeSentAgain: false).1 == [417])
        #expect(read(["HTTP/1.0 417 No", ""], expectsContinue: true).1 == [417])
        #expect(read(["HTTP/1.1 417 No", "Connection: Close", ""], expectsContinue: true).1 == [417])
    }

    @Test("with digest authentication the first pass and a stale 401 are not final") func digest() {
        let asked = ["HTTP/1.1 401 Who", "WWW-Authenticate: Basic realm=x, Digest realm=y, nonce=z", ""]
        let stale = ["HTTP/1.1 401 Who", "WWW-Authenticate: Digest realm=y, nonce=z, STALE=\"true\"", ""]
        let basic = ["HTTP/1.1 401 Who", "WWW-Authenticate: Basic realm=\"digest\"", ""]
        let fine = ["HTTP/1.1 200 OK", ""]
        for sendsEmptyBody in [true, false] {
            let unasked = ResponseHeadReader.Digest.awaitingChallenge(sendsEmptyBody: sendsEmptyBody)
            #expect(read(asked, digest: unasked).1 == [])
            #expect(read(asked + fine, digest: unasked).1 == [200])
            #expect(read(asked + asked, digest: unasked).1 == [401])
            #expect(read(asked + stale + stale, digest: unasked).1 == [])
            #expect(read(basic, digest: unasked).1 == [401])
            #expect(read(fine, digest: unasked).1 == (sendsEmptyBody ? [] : [200]))
            #expect(read(fine + fine, digest: unasked).1 == [200])
            #expect(read(["HTTP/1.1 503 No", ""], digest: unasked).1 == [503])
        }
        #expect(read(asked).1 == [401])
        var (reader, _) = read(asked, digest: .awaitingChallenge(sendsEmptyBody: true))
        #expect(reader.acceptTentative() == 401)
        #expect(reader.acceptTentative() == nil)
        #expect(reader.fields["www-authenticate"] != nil)
    }

    @Test("bytes that are not UTF-8 are read as ISO 8859-1, and kept for Location") func notUTF8() {
        var reader = ResponseHeadReader(expectsContinue: false)
        func append(_ line: [UInt8]) {
            _ = (line + [13, 10]).withUnsafeBytes { reader.append($0, mayBeSentAgain: false) }
        }
        append(Array("HTTP/1.1 307 Elsewhere".utf8))
        append(Array("X-A: ".utf8) + [0xE9, 0x80] + Array(" ".utf8))
        append(Array("X-B: é".utf8))
        append(Array("Location:  /".utf8) + [0xFC] + Array("/ü ".utf8))
        append([])
        #expect(reader.fields["x-a"] == "é\u{80}" && reader.fields["x-b"] == "é")
        #expect(reader.fields["location"] == "/ü/Ã¼" && reader.encodedLocation == "/%FC/%C3%BC")
        #expect(read(["HTTP/1.1 307 Elsewhere", "Location: /ü", ""]).0.encodedLocation == nil)
    }

    @Test(
        "long heads take linear time",
        arguments: [
            [" x"], ["Location: /\u{FC}"], ["X: y"], ["Set-Cookie: a", "\tb"], ["HTTP/1.1 103 Early Hints", ""],
        ])
    func linearTime(lines: [String]) {
        // Latin-1, so that Location is not UTF-8.
        let lines = lines.map { $0.unicodeScalars.map { UInt8($0.value) } + [13, 10] }
        let ratio = timeRatio(small: 1_500) { count in
            var reader = ResponseHeadReader(expectsContinue: false)
            func append(_ line: [UInt8]) { _ = line.withUnsafeBytes { reader.append($0, mayBeSentAgain: false) } }
            append(Array("HTTP/1.1 200 OK\r\n".utf8))
            append(Array("X: y\r\n".utf8))
            for number in 0..<count { append(lines[number % lines.count]) }
        }
        #expect(ratio < linearTimeRatio)
    }

    @Test("lines that are not fields are skipped") func junk() {
        let (reader, statuses) = read(["junk", "HTTP/1.1 200", "no colon", "A: b", ""])
        #expect(statuses == [200])
        #expect(reader.fields.map(\.name) == ["A"])
    }
}
