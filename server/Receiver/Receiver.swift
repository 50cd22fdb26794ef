import Hummingbird
import HummingbirdCore
public import Logging
public import NIOCore
import NIOSSL
import ServiceLifecycle
import UnixSignals

/// The receiving side: an HTTP server that takes files, stores them while they arrive and gives
/// them out again, in memory that does not depend on their size.
///
/// ```swift
/// let receiver = try Receiver(storage: try DirectoryStorage(path: "uploads"), logger: logger)
/// try await receiver.run()
/// ```
///
/// - `POST /` and `POST` to any path under `/upload` take `multipart/form-data`; `PUT /{name}`, `PUT` or `POST`
///   to `/files/{name}`, or `PUT /` with the header field `x-filename`, a file as it is. Bodies may be coded as gzip
///   or deflate. The answer is 201 and JSON that reports each part. A request is stored whole, or not
///   at all; what exists is never replaced, but the new file numbered.
/// - `GET /files` lists what is stored, as JSON; `GET /files/{name}` sends it: one range of it where
///   it is asked for (of several, the whole), and compressed where that is preferred.
/// - `GET /` is a page for browsers that does all of that.
/// - `POST /echo` sends back what comes while it comes, `GET /echo/{text}` and `GET /user-agent` what was said,
///   `GET /count/{n}` counts. `GET /health` and `GET /metrics` are for those who run the server.
///
/// Errors are JSON too, `{"error":"…"}`, but for browsers.
public struct Receiver: Sendable {
    private let storage: any Storage
    private let configuration: Configuration
    private let logger: Logger
    private let tls: NIOSSLContext?
    private let metrics = ServerMetrics()

    /// Reads the certificate, where there is one. Blocks.
    ///
    /// - Parameters:
    ///   - storage: where files go.
    ///   - logger: takes one line for each request.
    /// - Throws: ``TLSFileError`` where certificate or key cannot be used.
    public init(storage: any Storage, configuration: Configuration = Configuration(), logger: Logger) throws {
        self.storage = storage
        self.configuration = configuration
        self.logger = logger
        tls = try configuration.tls.map { try $0.context() }
    }

    /// Runs the server until it is told to stop, by SIGTERM, SIGINT, or because the task is cancelled.
    ///
    /// A signal ends it gracefully: no connection is accepted any more, those that are idle are closed, and requests
    /// that are running go on for ``Configuration/gracePeriod`` at most. Then, or at a second signal, they are cut
    /// off, and what they had stored is removed.
    ///
    /// - Parameter onListening: is told the address when connections are accepted; the port is the
    ///   real one where port 0 was asked for.
    /// - Throws: where the address cannot be listened on.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void = { _ in }) async throws {
        var group = ServiceGroupConfiguration(
            services: [application(onListening: onListening)], logger: quietLogger)
        group.maximumGracefulShutdownDuration = configuration.gracePeriod
        let services = ServiceGroup(configuration: group)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            let running = Task { try await services.run() }
            tasks.addTask {
                var isStopping = false
                for await signal in signals {
                    guard !isStopping else { return running.cancel() }
                    isStopping = true
                    await stop(services, signal)
                }
            }
            try await withTaskCancellationHandler {
                do {
                    try await running.value
                } catch is CancellationError {
                    // Cut off, as was asked for.
                }
            } onCancel: {
                running.cancel()
            }
            let cut = metrics.requestsCutOff
            if cut > 0 { logger.warning("stopped; \(cut == 1 ? "1 request was" : "\(cut) requests were") cut off") }
            tasks.cancelAll()
        }
    }

    private func stop(_ services: ServiceGroup, _ signal: UnixSignal) async {
        let count = metrics.activeRequests
        if count > 0 {
            let seconds = configuration.gracePeriod.components.seconds
            logger.notice(
                "\(signal): stopping when \(count == 1 ? "1 request has" : "\(count) requests have") ended, in \(seconds) s at most"
            )
        }
        await services.triggerGracefulShutdown()
    }

    /// The server, to be run by whoever stops it.
    func application(
        onListening: @escaping @Sendable (SocketAddress) -> Void = { _ in }
    ) -> some ApplicationProtocol {
        let (configuration, metrics, tls, logger, share) = (configuration, metrics, tls, logger, BufferShare())
        let rules = Route.Rules(configuration)
        let responder = RouteResponder(
            storage: storage, decoding: configuration.decoding, rules: rules,
            page: Page(requiresToken: configuration.access.token != nil), metrics: metrics, share: share,
            logger: logger)
        return Application(
            responder: responder,
            server: HTTPServerBuilder {
                ReceiverChannel(
                    responder: $0, configuration: configuration, rules: rules, metrics: metrics, share: share,
                    tls: tls, requestLogger: logger)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                // Those who come all at once while the machine is busy: Linux resets a connection, in the end, for
                // which there was no room, though its client takes it for made. The kernel's own limit is as high.
                backlog: 4096
            ),
            onServerRunning: { channel in
                if let address = channel.localAddress { onListening(address) }
            },
            logger: quietLogger
        )
    }

    /// Hummingbird tells of its own doings at `info`.
    private var quietLogger: Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .notice)
        return logger
    }
}
