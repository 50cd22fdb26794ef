import Foundation

/// An nginx of a test's own, in the foreground, with everything in one folder.
public final class Nginx: Sendable {
    public let directory: TemporaryDirectory
    private let process: Subprocess

    public static var isAvailable: Bool {
        Subprocess.find("nginx") != nil || FileManager.default.isExecutableFile(atPath: path)
    }

    private static var path: String { Subprocess.find("nginx") ?? "/usr/sbin/nginx" }

    /// Starts it and waits until it listens.
    ///
    /// - Parameters:
    ///   - http: what is within `http { }`; `DIRECTORY` stands for ``directory``.
    ///   - port: one that it will listen on; nil to wait for a socket of the name `socket`.
    public init(_ http: String, port: Int?) async throws {
        let directory = try TemporaryDirectory()
        self.directory = directory
        let paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "\($0)_temp_path \(directory.path)/\($0);" }
        let configuration = """
            daemon off;
            master_process off;
            worker_processes 1;
            pid \(directory.path)/pid;
            error_log \(directory.path)/error.log;
            events { worker_connections 256; }
            http {
                access_log off;
                \(paths.joined(separator: "\n"))
                \(http.replacingOccurrences(of: "DIRECTORY", with: directory.path))
            }
            """
        let file = try directory.write(configuration.utf8, to: "nginx.conf")
        process = try Subprocess(
            Self.path, ["-p", directory.path, "-e", directory.path("error.log"), "-c", file], deadline: .seconds(120))
        for _ in 0..<1000 {
            if let port {
                if (try? RawConnection(port: port)) != nil { return }
            } else if FileManager.default.fileExists(atPath: directory.path("socket")) {
                return
            }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw FaultError("nginx does not listen: \(process.errorOutputSoFar)")
    }
}
