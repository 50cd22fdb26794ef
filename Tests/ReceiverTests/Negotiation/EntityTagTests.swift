import Platform
import Testing

@testable import Receiver

@Suite("Entity tags")
struct EntityTagTests {
    private let strong = EntityTag("a")
    private let weak = EntityTag("a", isWeak: true)

    @Test("strong and weak comparison") func comparison() {
        #expect(!weak.matchesStrongly(weak) && weak.matchesWeakly(weak))
        #expect(!strong.matchesStrongly(weak) && strong.matchesWeakly(weak))
        #expect(!weak.matchesStrongly(strong) && weak.matchesWeakly(strong))
        #expect(strong.matchesStrongly(strong) && strong.matchesWeakly(strong))
        #expect(!strong.matchesStrongly(EntityTag("b")) && !strong.matchesWeakly(EntityTag("b")))
    }

    @Test(
        "conditions match any or one of their tags",
        arguments: [
            ("*", .any), (" * ", .any), ("\"a\"", .tags([EntityTag("a")])), ("", .tags([])),
            ("\"a\", W/\"b\" ,\"c,d\"", .tags([EntityTag("a"), EntityTag("b", isWeak: true), EntityTag("c,d")])),
            (",\"a\",,\"\"", .tags([EntityTag("a"), EntityTag("")])), ("a", .tags([])), ("\"a", .tags([])),
            ("w/\"a\"", .tags([])), ("\"a\" x \"b\"", .tags([EntityTag("a")])), ("\"a\", *", .tags([EntityTag("a")])),
        ] as [(String, EntityTagCondition)])
    func conditions(field: String, expected: EntityTagCondition) {
        #expect(EntityTagCondition(field) == expected)
    }

    @Test("a written tag is read back") func roundTrip() {
        for tag in [strong, weak] { #expect(EntityTagCondition(tag.description) == .tags([tag])) }
    }

    @Test(
        "If-Range accepts a strong tag or an exact date",
        arguments: [
            ("\"a\"", 10, true), ("\"b\"", 10, false), ("W/\"a\"", 10, false), ("\"a\", \"a\"", 10, false),
            ("*", 10, false), ("nonsense", 10, false), ("Thu, 01 Jan 1970 00:00:05 GMT", 10, true),
            ("Thu, 01 Jan 1970 00:00:06 GMT", 10, false), ("Thu, 01 Jan 1970 00:00:04 GMT", 10, false),
            // The file may change again within this second.
            ("Thu, 01 Jan 1970 00:00:05 GMT", 5, false),
        ] as [(String, Int, Bool)])
    func ifRange(field: String, now: Int, expected: Bool) {
        let now = Timestamp(seconds: now)
        let ifRange = IfRange(field, now: now)
        #expect(ifRange.holds(tag: strong, modified: Timestamp(seconds: 5), now: now) == expected)
    }
}
