import Foundation
import TestSupport
import Testing

/// Some rows of `make faults`.
@Suite("Fault matrix", .timeLimit(.minutes(5)))
struct FaultMatrixTests {
    @Test("after a kill, an error, or without a disk, files are stored whole or not at all")
    func quick() async throws {
        guard Subprocess.find("python3") != nil else { try Test.cancel("SKIPPED: there is no python3") }
        let result = try await Subprocess.run(
            "python3", [packageFile("Tests/Faults/faults.py").path, Subprocess.product("server"), "--quick"],
            deadline: .seconds(280))
        if result.output.hasPrefix("SKIPPED") { try Test.cancel("\(result.output)") }
        #expect(result.status == 0, "\(result.output)\(result.errorOutput)")
    }
}
