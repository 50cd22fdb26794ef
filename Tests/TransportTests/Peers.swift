import TestSupport
import Testing

/// What a test needs of the system; skips the test, loudly, where it is not there.
enum Peers {
    /// A line for who looks for what was not run: the runner calls a cancelled case passed.
    static func skip(_ reason: String) throws -> Never {
        print("TransportTests: SKIPPED: \(reason)")
        try Test.cancel("skipped: \(reason)")
    }

    static func require(_ programs: String...) throws {
        for program in programs where Daemon.find(program) == nil { try skip("there is no \(program)") }
    }
}
