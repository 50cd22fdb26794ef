#if os(Linux)
import Foundation
import TestSupport
import Testing

/// The short form of `make soak`.
@Suite("Soak", .timeLimit(.minutes(4)))
struct SoakTests {
    @Test("20 s of uploads, downloads, aborts and invalid requests at once: no wrong byte, no growth, nothing left")
    func short() async throws {
        for tool in ["python3", "curl", "openssl"] where Subprocess.find(tool) == nil {
            try Test.cancel("SKIPPED: there is no \(tool)")
        }
        let output = try TemporaryDirectory()
        let result = try await Subprocess.run(
            "python3",
            [
                packageFile("scripts/soak.py").path, "--server", Subprocess.product("server"), "--example",
                Subprocess.product("example"), "--seconds", "20", "--workers", "6", "--output", output.path("soak"),
            ], deadline: .seconds(200))
        print(result.output)
        #expect(result.status == 0, "\(result.errorOutput)")
        #expect(try output.contents() == ["soak.csv", "soak.svg"])
    }
}
#endif
