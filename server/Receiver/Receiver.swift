public import Hummingbird
import HummingbirdCore
public import Logging
public import NIOCore

/// The receiving side: an HTTP server that takes files, stores them while they arrive and gives
/// them out again, in memory that does not depend on their size.
///
/// ```swift
/// let receiver = Receiver(storage: try DirectoryStorage(path: "uploads"), logger: logger)
/// try await receiver.application().runService()
/// ```
///
/// - `POST /` and `POST` to any path under `/upload` take `multipart/form-data`; `PUT /{name}`, or
///   `PUT /` with the header field `x-filename`, a file as it is. Bodies may be coded as gzip or
///   deflate. The answer is 201 and JSON that reports each part. A request is stored whole, or not
///   at all; what exists is never replaced, but the new file numbered.
/// - `GET /files` lists what is stored, as JSON; `GET /files/{name}` sends it: one range of it where
///   it is asked for (of several, the whole), and compressed where that is preferred.
///
/// Errors are JSON too, `{"error":"…"}`.
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
                address: .hostname(configuration.host, port: configuration.port),
                // Those who come all at once while the machine is busy: Linux resets a connection, in the end, for
                // which there was no room, though its client takes it for made. The kernel's own limit is as high.
                backlog: 4096
            ),
            onServerRunning: { channel in
                if let address = channel.localAddress { onListening(address) }
            },
            logger: serverLogger
        )
    }
}
