import Testing

@testable import Receiver

@Suite("Upload report")
struct UploadReportTests {
    @Test("a file has type, name, size and stored name") func file() {
        var file = ReceivedPart(name: "file", filename: "book.txt", contentType: "text/plain")
        file.size = 256694
        file.savedAs = "book.txt"
        #expect(
            UploadReport(parts: [file]).json
                == #"{"bytes":256694,"parts":[{"content_type":"text/plain","filename":"book.txt","name":"file","saved_as":"book.txt","size":256694}]}"#
                + "\n"
        )
    }

    @Test("a field has a value, which may be truncated") func field() {
        var field = ReceivedPart(name: "a", filename: nil, contentType: nil)
        field.size = 3
        field.sha256 = "00ff"
        var value = FieldValue()
        Array("xyz".utf8).withUnsafeBytes { value.append($0, limit: 2) }
        field.value = value
        #expect(
            UploadReport(parts: [field]).json
                == #"{"bytes":3,"parts":[{"name":"a","sha256":"00ff","size":3,"truncated":true,"value":"xy"}]}"# + "\n"
        )
    }

    @Test("a form without parts") func empty() {
        #expect(UploadReport(parts: []).json == #"{"bytes":0,"parts":[]}"# + "\n")
    }

    @Test("strings are escaped") func escaping() {
        #expect(
            Refusal(.malformed, "\"\\\n\r\t\u{1}\u{1F}é/\u{7F}").json
                == #"{"error":"\"\\\n\r\t\u0001\u001fé/"# + "\u{7F}\"}\n"
        )
    }
}
