#if os(Linux)
import Foundation
import TestSupport
import Testing

@Suite("Programs that tests run", .timeLimit(.minutes(3)))
struct SubprocessTests {
    private static let hasDescriptors = DescriptorLimit.raise(for: "SubprocessTests", toAtLeast: 1600)

    @Test("a program inherits three descriptors, and no others with high numbers", .enabled(if: hasDescriptors))
    func descriptors() async throws {
        let high = fcntl(0, F_DUPFD, 1500)
        try #require(high >= 1500, "errno \(errno)")
        defer { close(high) }
        // The fourth one is that of the folder itself.
        let found = try await Subprocess.run("ls", ["/proc/self/fd"])
        #expect(found.output.split(separator: "\n") == ["0", "1", "2", "3"])
    }
}
#endif
