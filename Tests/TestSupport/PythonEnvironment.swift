import Foundation

/// Python with packages from PyPI, in a virtual environment below the package's `.build` folder.
///
/// It is made at its first use and kept. If it cannot be made, for example without a network,
/// ``isAvailable(with:)`` prints why, and the tests that need it are skipped.
public actor PythonEnvironment {
    public static let shared = PythonEnvironment()

    private var made: [String: Task<String, any Error>] = [:]

    /// The interpreter of an environment that has these packages.
    ///
    /// - Throws: ``FaultError`` with the reason why there is none.
    public func interpreter(with packages: [String]) async throws -> String {
        let name = "python-" + packages.joined(separator: "-")
        if let task = made[name] { return try await task.value }
        let task = Task { try await Self.make(name, packages) }
        made[name] = task
        return try await task.value
    }

    /// Whether there is one; prints the reason where there is none. For a test's `.enabled`.
    public func isAvailable(with packages: [String]) async -> Bool {
        do {
            _ = try await interpreter(with: packages)
            return true
        } catch {
            print("no Python with \(packages.joined(separator: ", ")): \(error)")
            return false
        }
    }

    private static func make(_ name: String, _ packages: [String]) async throws -> String {
        let directory = packageFile(".build/\(name)").path
        let python = directory + "/bin/python3"
        let marker = directory + "/complete"
        if FileManager.default.fileExists(atPath: marker) { return python }
        guard Subprocess.find("python3") != nil else { throw FaultError("there is no python3") }
        let venv = try await Subprocess.run("python3", ["-m", "venv", "--clear", directory], deadline: .seconds(120))
        guard venv.status == 0 else { throw FaultError("python3 -m venv: \(venv.errorOutput)") }
        let pip = try await Subprocess.run(
            python, ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"] + packages,
            deadline: .seconds(240)
        )
        guard pip.status == 0 else { throw FaultError("pip install: \(pip.errorOutput)") }
        try Data().write(to: URL(fileURLWithPath: marker))
        return python
    }
}
