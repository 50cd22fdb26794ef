import Testing

@testable import Receiver

@Suite struct UploadReportTests {
    @Test func keysComeInOrder() {
        var file = ReceivedPart(name: "file", filename: "book.txt", contentType: "text/plain")
        file.size = 256694
        file.savedAs = "book.txt"
        #expect(
            UploadReport(parts: [file]).json
                == #"{"parts":[{"name":"file","filename":"book.txt","content_type":"text/plain","size":256694,"saved_as":"book.txt"}],"bytes":256694}"#
                + "\n"
        )
    }

    @Test func aFieldHasAValue() {
        var field = ReceivedPart(name: "a", filename: nil, contentType: nil)
        field.size = 3
        field.sha256 = "00ff"
        var value = FieldValue()
        Array("xyz".utf8).withUnsafeBytes { value.append($0, limit: 2) }
        field.value = value
        #expect(
            UploadReport(parts: [field]).json
                == #"{"parts":[{"name":"a","size":3,"value":"xy","truncated":true,"sha256":"00ff"}],"bytes":3}"# + "\n"
        )
    }

    @Test func nothing() {
        #expect(UploadReport(parts: []).json == #"{"parts":[],"bytes":0}"# + "\n")
    }

    @Test func stringsAreEscaped() {
        #expect(
            Refusal(.malformed, "\"\\\n\r\t\u{1}\u{1F}é/\u{7F}").json
                == #"{"error":"\"\\\n\r\t\u0001\u001fé/"# + "\u{7F}\"}\n"
        )
    }
}
