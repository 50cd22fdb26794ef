import ContentCoding
import HTTPTypes
import Platform
import Testing

@testable import Receiver

@Suite("Download requests")
struct DownloadRequestTests {
    private static let now = Timestamp(seconds: 2000)
    private static let file = StoredFile(name: "a.txt", size: 5000, modified: 1000, version: "v")

    private func request(_ fields: HTTPFields, _ method: HTTPRequest.Method = .get) -> DownloadRequest {
        let head = HTTPRequest(
            method: method, scheme: "http", authority: "x", path: "/files/a.txt", headerFields: fields)
        return DownloadRequest(head, file: "a.txt", now: Self.now)
    }

    private func plan(
        _ fields: HTTPFields, _ method: HTTPRequest.Method = .get, file: StoredFile = file, isWorthCoding: Bool = true
    ) throws -> DownloadPlan {
        try request(fields, method).plan(for: file, isWorthCoding: isWorthCoding)
    }

    @Test("a request without conditions gets the whole file with its fields") func wholeFile() throws {
        let plan = try plan([:])
        #expect(plan.status == .ok)
        #expect(plan.content == .bytes(0..<5000))
        let expected: HTTPFields = [
            .vary: "Accept-Encoding", .eTag: "\"v\"", .lastModified: "Thu, 01 Jan 1970 00:16:40 GMT",
            .acceptRanges: "bytes", .contentType: "text/plain", .contentSecurityPolicy: "sandbox",
            .contentLength: "5000",
        ]
        #expect(plan.fields == expected)
    }

    @Test("a coded file has a tag of its own") func codedFile() throws {
        let gzip = try plan([.acceptEncoding: "gzip"])
        #expect(gzip.content == .coded(.gzip))
        #expect(gzip.fields[.contentEncoding] == "gzip")
        #expect(gzip.fields[.contentLength] == nil)
        #expect(gzip.fields[.eTag] == "W/\"v-gzip\"")
        let deflate = try plan([.acceptEncoding: "deflate"])
        #expect(deflate.fields[.eTag] == "W/\"v-deflate\"")
        #expect(try plan([.acceptEncoding: "gzip"], isWorthCoding: false).content == .bytes(0..<5000))
        // The tag of the representation that would be sent.
        #expect(try plan([.acceptEncoding: "gzip", .ifNoneMatch: "W/\"v-gzip\""]).status == .notModified)
        #expect(try plan([.acceptEncoding: "gzip", .ifNoneMatch: "\"v\""]).status == .ok)
        #expect(try plan([.ifNoneMatch: "W/\"v-gzip\""]).status == .ok)
    }

    @Test("304 has no content and no fields of content") func notModified() throws {
        let plan = try plan([.ifNoneMatch: "\"v\""])
        #expect(plan.status == .notModified)
        #expect(plan.content == nil)
        #expect(plan.fields[.contentLength] == nil)
        #expect(plan.fields[.eTag] == "\"v\"")
        #expect(plan.fields[.vary] == "Accept-Encoding")
        #expect(plan.fields[.contentType] == nil)
    }

    @Test("a range of the uncoded file is sent if that form is acceptable") func ranges() throws {
        let part = try plan([.range: "bytes=10-19", .acceptEncoding: "gzip"])
        #expect(part.status == .partialContent)
        #expect(part.content == .bytes(10..<20))
        #expect(part.fields[.contentRange] == "bytes 10-19/5000")
        #expect(part.fields[.contentEncoding] == nil)
        #expect(part.fields[.contentLength] == "10")
        #expect(part.fields[.eTag] == "\"v\"")
        // Only GET has ranges.
        #expect(try plan([.range: "bytes=10-19"], .head).status == .ok)
        // Ranges are of the uncoded file.
        let coded = try plan([.range: "bytes=10-19", .acceptEncoding: "gzip, identity;q=0"])
        #expect(coded.status == .ok)
        #expect(coded.content == .coded(.gzip))
        // An ignored range does not prevent coding.
        #expect(try plan([.range: "bytes=1-2,4-5", .acceptEncoding: "gzip"]).content == .coded(.gzip))
        #expect(try plan([.range: "bytes=1-2,4-5"]).content == .bytes(0..<5000))
    }

    @Test("If-Range decides between the range and the whole file") func ifRange() throws {
        for (condition, status) in [
            ("\"v\"", HTTPResponse.Status.partialContent), ("\"w\"", .ok), ("W/\"v\"", .ok),
            (Timestamp(seconds: 1000).httpDate, .partialContent), (Timestamp(seconds: 1001).httpDate, .ok),
        ] {
            #expect(try plan([.range: "bytes=10-19", .ifRange: condition]).status == status)
        }
        // Conditions come before the range, whether they hold or not.
        #expect(try plan([.range: "bytes=9999-", .ifNoneMatch: "\"v\""]).status == .notModified)
        #expect(refusal { try plan([.range: "bytes=9999-", .ifMatch: "\"w\""]) }?.code == .preconditionFailed)
        // An ignored range cannot be unsatisfiable.
        #expect(try plan([.range: "bytes=9999-", .ifRange: "\"w\""]).status == .ok)
    }

    @Test("406, 412 and 416 have the fields that they need") func refusals() {
        let unsatisfiable = refusal { try plan([.range: "bytes=5000-"]) }
        #expect(unsatisfiable?.code == .rangeNotSatisfiable)
        #expect(unsatisfiable?.fields[.contentRange] == "bytes */5000")
        #expect(refusal { try plan([.ifMatch: "\"w\""]) }?.code == .preconditionFailed)
        // If no form is acceptable, the conditions do not matter.
        let unacceptable = refusal { try plan([.acceptEncoding: "*;q=0", .ifNoneMatch: "\"v\"", .ifMatch: "\"w\""]) }
        #expect(unacceptable?.code == .notAcceptable)
        #expect(unacceptable?.fields[.vary] == "Accept-Encoding")
    }

    @Test("Last-Modified is never in the future") func futureTime() throws {
        let file = StoredFile(name: "a", size: 1, modified: 9999, version: "v")
        #expect(try plan([:], file: file).fields[.lastModified] == Self.now.httpDate)
    }

    @Test(
        "the content type follows from the extension",
        arguments: [
            ("a.txt", "text/plain"), ("a.b.JSON", "application/json"), ("a.html", "text/html"), ("a.png", "image/png"),
            ("a", "application/octet-stream"), ("a.", "application/octet-stream"), ("txt", "application/octet-stream"),
            ("a.nonsense", "application/octet-stream"),
        ])
    func contentTypes(name: String, type: String) throws {
        let file = StoredFile(name: name, size: 1, modified: 1, version: "v")
        #expect(try plan([:], file: file).fields[.contentType] == type)
    }

    @Test(
        "the beginning of a file is read only if the client prefers a coding",
        arguments: [
            ([:], false), ([.acceptEncoding: "gzip"], true), ([.acceptEncoding: "br"], false),
            ([.acceptEncoding: "gzip", .range: "bytes=0-1"], false),
        ] as [(HTTPFields, Bool)])
    func wantsCoding(fields: HTTPFields, expected: Bool) {
        #expect(request(fields).wantsCoding == expected)
    }
}
