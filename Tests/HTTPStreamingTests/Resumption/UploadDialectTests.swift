import Testing

@testable import HTTPStreaming

/// Header fields of the draft.
@Suite("Resumable upload, fields")
struct UploadDialectTests {
    @Test("fields of requests") func requests() {
        let dialect = UploadDialect.latest
        #expect(
            dialect.creationFields(length: 5, hasBody: true)
                == ["Upload-Draft-Interop-Version": "8", "Upload-Complete": "?1", "Upload-Length": "5"])
        #expect(dialect.creationFields(length: nil, hasBody: true)["Upload-Length"] == nil)
        #expect(dialect.creationFields(length: 5, hasBody: false)["Upload-Complete"] == "?0")
        #expect(dialect.questionFields == ["Upload-Draft-Interop-Version": "8"])
        #expect(
            dialect.appendFields(offset: 7)
                == ["Upload-Draft-Interop-Version": "8", "Upload-Complete": "?1", "Upload-Offset": "7"])
    }

    @Test(
        "an offset is a non-negative Integer of Structured Fields; anything else is ignored",
        arguments: [
            ("0", 0), ("25;a=1", 25), ("999999999999999", 999_999_999_999_999), ("1000000000000000", nil), ("-1", nil),
            ("+1", nil), ("1.0", nil), ("", nil), ("1, 2", nil), ("a", nil), ("\"5\"", nil), ("٣", nil),
        ] as [(String, Int64?)])
    func integers(text: String, value: Int64?) {
        #expect(UploadDialect.latest.offset(in: ["Upload-Offset": text]) == value)
    }

    @Test("a Boolean of Structured Fields", arguments: [("?1", true), ("?0", false), ("1", nil), ("true", nil)])
    func booleans(text: String, value: Bool?) {
        #expect(UploadDialect.latest.answer(status: 200, ["Upload-Complete": text], length: nil).isComplete == value)
    }

    @Test("a refusal that names an older version that is known") func versions() {
        let latest = UploadDialect.latest
        for (status, version, expected) in [
            (400, "6", 6), (400, "7", 7), (400, "8", nil), (400, "5", nil), (400, "9", nil), (404, "6", nil),
            (400, "x", nil),
        ] as [(Int, String, Int?)] {
            let replacement = latest.replacement(status: status, ["Upload-Draft-Interop-Version": version])
            #expect(replacement?.number == expected)
        }
        #expect(latest.replacement(status: 400, [:]) == nil)
    }

    @Test("tus: fields, and completeness from the offset") func tus() {
        let tus = UploadDialect.tus
        #expect(tus.creationFields(length: 5, hasBody: false) == ["Tus-Resumable": "1.0.0", "Upload-Length": "5"])
        #expect(tus.appendFields(offset: 7) == ["Tus-Resumable": "1.0.0", "Upload-Offset": "7"])
        #expect(
            tus.metadataField(filename: "a.txt", contentType: "text/plain")
                == ["Upload-Metadata": "filename YS50eHQ=,filetype dGV4dC9wbGFpbg=="])
        #expect(tus.metadataField(filename: nil, contentType: nil).isEmpty)
        #expect(tus.answer(status: 204, ["Upload-Offset": "5"], length: 5).isComplete == true)
        #expect(tus.answer(status: 204, ["Upload-Offset": "4"], length: 5).isComplete == false)
        #expect(tus.answer(status: 409, ["Upload-Offset": "5"], length: 5).isComplete == nil)
        #expect(tus.replacement(status: 400, ["Upload-Draft-Interop-Version": "6"]) == nil)
        for number in [1, 6, 7, 8] { #expect(UploadDialect(number: number)?.number == number) }
        #expect(UploadDialect(number: 5) == nil)
    }
}
