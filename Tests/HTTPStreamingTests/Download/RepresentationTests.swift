import Testing

@testable import HTTPStreaming

@Suite("Representation and Content-Range", .timeLimit(.minutes(3)))
struct RepresentationTests {
    @Test("Content-Range is read as RFC 9110 §14.4 says") func contentRange() {
        let range = ContentRange("bytes 100-199/1000")
        #expect(range?.bytes == 100..<200 && range?.length == 1000)
        #expect(ContentRange("Bytes 0-0/1")?.bytes == 0..<1)
        #expect(ContentRange("bytes 5-9/*")?.bytes == 5..<10)
        #expect(ContentRange("bytes 5-9/*")?.length == nil)
        let unsatisfiable = ContentRange("bytes */1000")
        #expect(unsatisfiable != nil && unsatisfiable?.bytes == nil && unsatisfiable?.length == 1000)
        for value in [
            "", "bytes", "bytes 5", "bytes 5-9", "lines 5-9/10", "bytes 9-5/10", "bytes 5-10/10", "bytes -5/10",
            "bytes */*",
            "bytes 5-/10", "bytes +5-9/10", "bytes 5-9/10/10", "bytes 0-1, 5-6/10",
            "bytes 0-9223372036854775807/9223372036854775808", "bytes 0-9223372036854775807/*",
        ] {
            #expect(ContentRange(value) == nil, "\(value)")
        }
    }

    @Test("only strong validators count") func validators() {
        let validator = { (fields: HeaderFields) in Representation(url: "http://a/", fields).validator }
        #expect(validator(["ETag": "\"x\""]) == .tag("\"x\""))
        #expect(validator(["etag": "\"\""]) == .tag("\"\""))
        for tag in ["W/\"x\"", "w/\"x\"", "x", "\"", "\"a\"b\"", "\"a b\"", ""] {
            #expect(validator(["ETag": tag]) == nil)
        }
        #expect(validator([:]) == nil)
        var twice: HeaderFields = ["ETag": "\"x\""]
        twice.append("ETag", "\"y\"")
        #expect(validator(twice) == nil)
        let modified = "Sun, 06 Nov 1994 08:49:37 GMT"
        #expect(
            validator(["Last-Modified": modified, "Date": "Sun, 06 Nov 1994 08:50:37 GMT"]) == .date(modified))
        // Less than a minute, no date, or with an entity tag, which must be used then.
        #expect(validator(["Last-Modified": modified, "Date": "Sun, 06 Nov 1994 08:50:36 GMT"]) == nil)
        #expect(validator(["Last-Modified": modified]) == nil)
        #expect(validator(["Last-Modified": "yesterday", "Date": modified]) == nil)
        #expect(
            validator(["Last-Modified": modified, "Date": "Sun, 06 Nov 1994 09:49:37 GMT", "ETag": "W/\"x\""]) == nil)
    }

    @Test("the rest is asked for with Range and If-Range") func fields() {
        let known = Representation(url: "http://a/", validator: .tag("\"x\""), length: 10)
        #expect(known.fields(from: 3) == ["Range": "bytes=3-", "If-Range": "\"x\""])
        #expect(known.fields(from: 0) == nil && known.fields(from: 10) == nil)
        #expect(Representation(url: "http://a/", validator: nil, length: 10).fields(from: 3) == nil)
    }

    private let known = Representation(url: "http://a/f?x=1", validator: .tag("\"x\""), length: 10)

    private func answer(
        _ status: Int, _ fields: HeaderFields, from url: String = "http://a/f?x=2", _ known: Representation? = nil
    ) -> Representation.Answer {
        (known ?? self.known).answer(status: status, fields, from: url, offset: 3)
    }

    @Test("a 206 counts only if it is exactly the rest of the same file") func rest() {
        let right: HeaderFields = ["Content-Range": "bytes 3-9/10", "ETag": "\"x\"", "Content-Length": "7"]
        #expect(answer(206, right) == .rest(end: 10, length: 10))
        #expect(answer(206, ["Content-Range": "bytes 3-5/10", "ETag": "\"x\""]) == .rest(end: 6, length: 10))
        let changes: [(String, String?)] = [
            ("Content-Range", "bytes 2-9/10"), ("Content-Range", "bytes 4-9/10"), ("Content-Range", "bytes 3-9/11"),
            ("Content-Range", "bytes 3-9/*"), ("Content-Range", "bytes */10"), ("Content-Range", nil),
            ("Content-Range", "items 3-9/10"), ("ETag", nil), ("ETag", "\"y\""), ("ETag", "W/\"x\""),
            ("Content-Length", "8"), ("Content-Encoding", "gzip"),
        ]
        for (name, value) in changes {
            var fields = right
            fields[name] = value
            #expect(answer(206, fields) == .useless, "\(name): \(value ?? "none")")
        }
        #expect(answer(206, right, from: "http://a/g") == .useless)
        #expect(answer(206, right, from: "http://b/f") == .useless)
        #expect(answer(206, right, Representation(url: "http://a/f", validator: nil, length: 10)) == .useless)
        // Of a file of unknown length the answer tells it.
        let unknown = Representation(url: "http://a/f", validator: .tag("\"x\""), length: nil)
        #expect(answer(206, right, unknown) == .rest(end: 10, length: 10))
        let dated = Representation(url: "http://a/f", validator: .date("Sun, 06 Nov 1994 08:49:37 GMT"), length: 10)
        var fields: HeaderFields = ["Content-Range": "bytes 3-9/10", "Last-Modified": "Sun, 06 Nov 1994 08:49:37 GMT"]
        #expect(answer(206, fields, dated) == .rest(end: 10, length: 10))
        fields["Last-Modified"] = "Sun, 06 Nov 1994 08:49:38 GMT"
        #expect(answer(206, fields, dated) == .useless)
        fields["Last-Modified"] = nil
        #expect(answer(206, fields, dated) == .useless)
    }

    @Test("other statuses begin again or are the result") func statuses() {
        #expect(answer(200, ["ETag": "\"x\""]) == .whole && answer(203, [:]) == .whole)
        #expect(answer(416, ["Content-Range": "bytes */10"]) == .useless)
        for status in [204, 304, 404, 412, 500] { #expect(answer(status, [:]) == .failure) }
    }
}
