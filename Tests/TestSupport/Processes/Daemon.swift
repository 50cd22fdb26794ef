import Foundation

/// A server of the system's, run in the foreground for one test, with all its files in one folder. It
/// ends with its last reference, and never outlives its deadline.
public final class Daemon: Sendable {
    public let directory: TemporaryDirectory
    /// The port of the loopback interface that it listens on; 0 where it is a Unix socket.
    public let port: Int
    private let process: Subprocess

    /// Starts it and waits until it listens.
    ///
    /// - Parameters:
    ///   - name: of the program, also where only root's `PATH` leads.
    ///   - port: where it will listen; 0 for the Unix socket `socket` in the folder.
    ///   - configuration: written to the file `configuration`; `DIRECTORY` stands for the folder.
    ///   - arguments: `DIRECTORY` likewise.
    public init(_ name: String, port: Int, configuration: String = "", arguments: [String]) async throws {
        guard let path = Self.find(name) else { throw FaultError("there is no \(name)") }
        let directory = try TemporaryDirectory()
        let expand = { (text: String) in text.replacingOccurrences(of: "DIRECTORY", with: directory.path) }
        try directory.write(expand(configuration).utf8, to: "configuration")
        let process = try Subprocess(path, arguments.map(expand), deadline: .seconds(170))
        self.directory = directory
        self.port = port
        self.process = process
        for _ in 0..<1500 {
            if port == 0 ? Self.isSocket(directory.path("socket")) : Self.listens(port) { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw FaultError("\(name) does not listen: \(process.errorOutputSoFar)")
    }

    /// Where the program is, or nil.
    public static func find(_ name: String) -> String? {
        Subprocess.find(name)
            ?? ["/usr/sbin/\(name)", "/usr/local/sbin/\(name)"].first(where: FileManager.default.isExecutableFile)
    }

    private static func listens(_ port: Int) -> Bool { (try? RawConnection(port: port)) != nil }

    private static func isSocket(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}

extension Daemon {
    /// nginx, one process.
    ///
    /// - Parameters:
    ///   - port: that `http` has it listen on; 0 for `unix:DIRECTORY/socket`.
    ///   - http: what is within `http { }`.
    public static func nginx(port: Int, _ http: String) async throws -> Daemon {
        let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path DIRECTORY/\($0);" }
        let configuration = """
            daemon off;
            master_process off;
            pid DIRECTORY/pid;
            error_log DIRECTORY/error.log;
            events { worker_connections 256; }
            http {
                access_log DIRECTORY/access.log;
                \(folders.joined(separator: "\n"))
                \(http)
            }
            """
        return try await Daemon(
            "nginx", port: port, configuration: configuration,
            arguments: ["-p", "DIRECTORY", "-e", "DIRECTORY/error.log", "-c", "DIRECTORY/configuration"])
    }

    /// Apache's httpd, one process, with mod_auth_digest and mod_proxy.
    ///
    /// - Parameters:
    ///   - modules: the folder they are in.
    ///   - text: behind what every one needs.
    public static func apache(modules: String, _ text: String) async throws -> Daemon {
        let port = try LoopbackPort.free()
        let names = [
            "mpm_worker", "authn_core", "authn_file", "authz_core", "authz_user", "auth_digest", "auth_basic", "proxy",
            "proxy_http",
        ]
        let configuration = """
            ServerRoot DIRECTORY
            ServerName localhost
            DefaultRuntimeDir DIRECTORY
            PidFile DIRECTORY/pid
            ErrorLog DIRECTORY/error.log
            Listen 127.0.0.1:\(port)
            \(names.map { "LoadModule \($0)_module \(modules)/mod_\($0).so" }.joined(separator: "\n"))
            \(text)
            """
        return try await Daemon(
            "apache2", port: port, configuration: configuration,
            arguments: ["-X", "-d", "DIRECTORY", "-f", "DIRECTORY/configuration"])
    }

    /// tinyproxy: an HTTP proxy.
    public static func tinyproxy(_ text: String = "") async throws -> Daemon {
        let port = try LoopbackPort.free()
        let configuration = """
            Port \(port)
            Listen 127.0.0.1
            Allow 127.0.0.1
            Timeout 60
            MaxClients 20
            LogFile "DIRECTORY/log"
            LogLevel Connect
            \(text)

            """
        return try await Daemon(
            "tinyproxy", port: port, configuration: configuration, arguments: ["-d", "-c", "DIRECTORY/configuration"])
    }

    /// microsocks: a SOCKS 5 proxy.
    public static func microsocks(user: String? = nil, password: String = "") async throws -> Daemon {
        let port = try LoopbackPort.free()
        let credentials = user.map { ["-u", $0, "-P", password] } ?? []
        return try await Daemon(
            "microsocks", port: port, arguments: ["-i", "127.0.0.1", "-p", "\(port)"] + credentials)
    }
}
