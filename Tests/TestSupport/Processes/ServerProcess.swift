import Foundation

/// This package's server, as a process of its own. A test target that uses it depends on the target `server`.
public struct ServerProcess: Sendable {
    public let url: String
    public let directory: TemporaryDirectory
    public let process: Subprocess

    /// Starts it on a free port, and waits until it listens.
    ///
    /// - Parameters:
    ///   - arguments: further ones.
    ///   - environment: in addition to the test's own.
    ///   - isSecure: with the tests' own certificate.
    ///   - command: for a shell, which replaces itself by the server: `ulimit -n 100; exec "$@"`.
    public static func start(
        _ arguments: [String] = [], environment: [String: String] = [:], isSecure: Bool = false,
        deadline: Duration = .seconds(120), through command: String = "exec \"$@\""
    ) async throws -> ServerProcess {
        let directory = try TemporaryDirectory()
        var arguments = ["--port", "0", "--dir", directory.path] + arguments
        if isSecure {
            let certificates = try await Certificates.shared
            arguments += ["--tls-cert", certificates.certificate("server"), "--tls-key", certificates.key("server")]
        }
        let process = try Subprocess(
            "sh", ["-c", command, "sh", Subprocess.product("server")] + arguments, environment: environment,
            deadline: deadline)
        let line = try await process.firstLine()
        let prefix = "listening on "
        guard line.hasPrefix(prefix) else { throw FaultError("the server says \(line)") }
        return ServerProcess(url: String(line.dropFirst(prefix.count)), directory: directory, process: process)
    }

    public var port: Int { url.split(separator: ":").last.flatMap { Int($0) } ?? 0 }

    /// Talks to it with blocking calls, on a thread of its own.
    public func connected<Result: Sendable>(
        _ body: @escaping @Sendable (RawConnection) throws -> Result
    ) async throws -> Result {
        let port = port
        return try await RawConnection.onThread { try body(RawConnection(port: port)) }
    }

    /// Its resident memory now, in KiB. Linux only.
    public var memory: Int { get throws { try processStatus("VmRSS", of: process.processIdentifier) } }

    /// The peak of its resident memory, in KiB. Linux only.
    public var peakMemory: Int { get throws { try processStatus("VmHWM", of: process.processIdentifier) } }
}
