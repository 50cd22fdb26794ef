public import Hummingbird
import HummingbirdCore
public import Logging
public import NIOCore

/// The receiving side: an HTTP server that takes files as `multipart/form-data` and stores them
/// while they arrive, in memory that does not depend on their size.
///
/// ```swift
/// let receiver = Receiver(storage: try DirectoryStorage(path: "uploads"), logger: logger)
/// try await receiver.application().runService()
/// ```
///
/// `POST /` and `POST` to any path under `/upload` are answered with 201 and JSON that reports
/// each part, or with `{"error":"…"}`. A request is stored whole, or not at all.
public struct Receiver: Sendable {
    private let storage: any Storage
    private let configuration: Configuration
    private let logger: Logger

    /// - Parameters:
    ///   - storage: where files go.
    ///   - logger: takes one line for each request.
    public init(storage: any Storage, configuration: Configuration = Configuration(), logger: Logger) {
        self.storage = storage
        self.configuration = configuration
        self.logger = logger
    }

    /// The server, to be run: `runService()` stops gracefully on SIGTERM and SIGINT, `run()` when
    /// its task is cancelled. Both throw when the address cannot be listened on.
    ///
    /// - Parameter onListening: is told the address when connections are accepted; the port is the
    ///   real one where port 0 was asked for.
    public func application(
        onListening: @escaping @Sendable (SocketAddress) -> Void = { _ in }
    ) -> some ApplicationProtocol {
        let configuration = configuration
        // Hummingbird tells of its own doings at `info`.
        var serverLogger = logger
        serverLogger.logLevel = max(logger.logLevel, .notice)
        return Application(
            responder: RouteResponder(storage: storage, decoding: configuration.decoding, logger: logger),
            server: HTTPServerBuilder { ReceiverChannel(responder: $0, configuration: configuration) },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port)
            ),
            onServerRunning: { channel in
                if let address = channel.localAddress { onListening(address) }
            },
            logger: serverLogger
        )
    }
}
