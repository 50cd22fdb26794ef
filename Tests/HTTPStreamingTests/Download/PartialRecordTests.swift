import Platform
import Testing

@testable import HTTPStreaming

@Suite("Records of partial files", .timeLimit(.minutes(3)))
struct PartialRecordTests {
    @Test("a record can be read again, and damage is noticed") func record() throws {
        for (validator, length) in [
            (Representation.Validator.tag("\"a b%\u{FC}\""), Int64(10)), (.date("Sun, 06 Nov 1994 08:49:37 GMT"), nil),
            (nil, 0),
        ] {
            let record = PartialRecord(
                url: "http://a/?q=ü x", file: Representation(url: "http://b/", validator: validator, length: length),
                system: length == nil ? nil : "id", durable: 7)
            #expect(PartialRecord(parsing: record.text) == record)
            #expect(PartialRecord.isRecord(Array(record.text.utf8)))
            let bytes = Array(record.text.utf8)
            for index in bytes.indices {
                #expect(PartialRecord(parsing: String(decoding: bytes[..<index], as: UTF8.self)) == nil)
                var changed = bytes
                changed[index] ^= 1
                #expect(PartialRecord(parsing: String(decoding: changed, as: UTF8.self)) == nil)
            }
        }
    }

    @Test("after a restart of the system only what was on the disk is certain") func certain() {
        let file = Representation(url: "http://b/", validator: nil, length: nil)
        var record = PartialRecord(url: "http://a/", file: file, system: "one", durable: 7)
        #expect(record.certain(of: 10, now: "one") == 10)
        #expect(record.certain(of: 10, now: "two") == 7 && record.certain(of: 10, now: nil) == 7)
        #expect(record.certain(of: 5, now: "two") == 5)
        record = PartialRecord(url: "http://a/", file: file, system: nil)
        #expect(record.certain(of: 10, now: nil) == 0)
        #expect(SystemStart.identifier == SystemStart.identifier && SystemStart.identifier != nil)
    }
}
