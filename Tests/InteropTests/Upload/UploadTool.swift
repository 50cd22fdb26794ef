import Foundation
import TestSupport

/// The upload tool as a process, with its files in a folder of its own.
struct UploadTool {
    let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    /// Without the variables that the tests' own environment may have.
    private var environment: [String: String] {
        var environment = ["XDG_STATE_HOME": folder.path("state"), "NO_COLOR": "", "COLUMNS": ""]
        for name in ["URL", "TOKEN", "PASSWORD", "JOBS", "KEY_PASSWORD"] { environment["UPLOAD_" + name] = "" }
        return environment
    }

    func start(
        _ arguments: [String], input: Data = Data(), environment: [String: String] = [:], isOnTerminal: Bool = false
    ) throws -> Subprocess {
        try Subprocess(
            Subprocess.product("upload"), arguments, input: input,
            environment: self.environment.merging(environment) { $1 }, isOnTerminal: isOnTerminal,
            deadline: .seconds(90))
    }

    func run(
        _ arguments: [String], input: Data = Data(), environment: [String: String] = [:], isOnTerminal: Bool = false
    ) async throws -> Subprocess.Result {
        try await start(arguments, input: input, environment: environment, isOnTerminal: isOnTerminal).result()
    }

    /// - Returns: the path of a new file in the folder.
    func file(_ name: String, _ content: String = "hello") throws -> String {
        try folder.write(content.utf8, to: name)
    }
}
