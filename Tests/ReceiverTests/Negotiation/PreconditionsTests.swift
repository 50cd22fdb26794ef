import HTTPTypes
import Platform
import Testing

@testable import Receiver

@Suite("Preconditions")
struct PreconditionsTests {
    private static let before = Timestamp(seconds: 999).httpDate
    private static let same = Timestamp(seconds: 1000).httpDate
    private static let after = Timestamp(seconds: 1001).httpDate

    struct Row: CustomTestStringConvertible {
        var match: String?
        var noneMatch: String?
        var modified: String?
        var unmodified: String?
        let verdict: Preconditions.Verdict

        init(
            match: String? = nil, noneMatch: String? = nil, modified: String? = nil, unmodified: String? = nil,
            _ verdict: Preconditions.Verdict
        ) {
            (self.match, self.noneMatch) = (match, noneMatch)
            (self.modified, self.unmodified, self.verdict) = (modified, unmodified, verdict)
        }

        var testDescription: String {
            "\([match, noneMatch, modified, unmodified].map { $0 ?? "-" }) → \(verdict)"
        }
    }

    /// For a file with the tag `"a"`, modified at 1000 s.
    static let rows = [
        Row(.proceed),
        Row(match: "\"a\"", .proceed), Row(match: "*", .proceed), Row(match: "\"b\", \"a\"", .proceed),
        Row(match: "\"b\"", .failed), Row(match: "W/\"a\"", .failed), Row(match: "", .failed),
        Row(unmodified: same, .proceed), Row(unmodified: after, .proceed), Row(unmodified: before, .failed),
        Row(unmodified: "nonsense", .proceed),
        Row(noneMatch: "\"a\"", .notModified), Row(noneMatch: "W/\"a\"", .notModified),
        Row(noneMatch: "*", .notModified), Row(noneMatch: "\"b\", \"a\"", .notModified),
        Row(noneMatch: "\"b\"", .proceed), Row(noneMatch: "", .proceed),
        Row(modified: same, .notModified), Row(modified: after, .notModified), Row(modified: before, .proceed),
        Row(modified: "nonsense", .proceed),
        // A condition with tags overrides the one with a date.
        Row(match: "\"a\"", unmodified: before, .proceed), Row(match: "\"b\"", unmodified: after, .failed),
        Row(noneMatch: "\"b\"", modified: after, .proceed), Row(noneMatch: "\"a\"", modified: before, .notModified),
        // Conditions that can fail come before those that can give 304.
        Row(match: "\"b\"", noneMatch: "\"a\"", .failed), Row(match: "\"a\"", noneMatch: "\"a\"", .notModified),
        Row(modified: same, unmodified: before, .failed), Row(modified: same, unmodified: same, .notModified),
        Row(match: "\"a\"", modified: same, .notModified), Row(noneMatch: "\"a\"", unmodified: before, .failed),
    ]

    @Test("conditions apply in the order of RFC 9110 §13.2.2", arguments: rows) func precedence(row: Row) {
        var fields = HTTPFields()
        fields[.ifMatch] = row.match
        fields[.ifNoneMatch] = row.noneMatch
        fields[.ifModifiedSince] = row.modified
        fields[.ifUnmodifiedSince] = row.unmodified
        let preconditions = Preconditions(fields, now: Timestamp(seconds: 2000))
        #expect(preconditions.verdict(tag: EntityTag("a"), modified: Timestamp(seconds: 1000)) == row.verdict)
    }
}
