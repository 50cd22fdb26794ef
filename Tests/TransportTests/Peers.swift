@testable import HTTPStreaming
import TestSupport
import Testing

/// Skips tests that need programs which are not installed.
enum Peers {
    /// Prints a line too: of a test with arguments the runner reports a cancelled case as passed.
    static func skip(_ reason: String) throws -> Never {
        print("TransportTests: SKIPPED: \(reason)")
        try Test.cancel("skipped: \(reason)")
    }

    static func requireHTTP2() throws {
        guard MultiHandle.sendsHTTP2 else { try skip("this libcurl is too old for HTTP/2") }
    }

    static func require(_ programs: String...) throws {
        for program in programs where Daemon.find(program) == nil { try skip("there is no \(program)") }
    }
}
