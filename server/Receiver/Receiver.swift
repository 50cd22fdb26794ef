import Hummingbird
import HummingbirdCore
public import Logging
public import NIOCore
import NIOSSL
import Platform
import ServiceLifecycle
import UnixSignals

/// An HTTP server that receives files, stores them while they arrive, and sends them to clients, in memory that does not
/// depend on their size.
///
/// ```swift
/// let receiver = try Receiver(storage: try DirectoryStorage(path: "uploads"), logger: logger)
/// try await receiver.run()
/// ```
///
/// - `POST /` and `POST` to any path under `/upload` accept `multipart/form-data`. `PUT /{name}`, `PUT` or `POST` to
///   `/files/{name}`, and `PUT /` with the header field `x-filename` accept a file as the body. Bodies may be coded as
///   gzip or deflate. The response is 201 with JSON that reports each part. All files of a request are stored, or none.
///   A `PUT` replaces the file that its URL names, in one step (200). Others replace no file: the new one gets a number.
/// - `GET /files` lists the stored files as JSON. `GET /files/{name}` sends one, or a range of it (of several ranges, the
///   whole file), compressed if the client prefers that.
/// - `GET /` is a web page that does all of this.
/// - `POST /echo` streams the request body back as it arrives. `GET /echo/{text}` and `GET /user-agent` send back text of
///   the request, `GET /count/{n}` counts. `GET /health` and `GET /metrics` are for monitoring.
///
/// Errors are JSON, `{"error":"…"}`, or HTML for browsers.
public struct Receiver: Sendable {
    private let storage: any Storage
    private let configuration: Configuration
    private let logger: Logger
    private let tls: NIOSSLContext?
    private let metrics = ServerMetrics()

    /// Reads the certificate and key, if the configuration names them. Blocks.
    ///
    /// - Parameters:
    ///   - storage: stores the files.
    ///   - configuration: listens on 127.0.0.1:3000 by default.
    ///   - logger: gets one line for each request.
    /// - Throws: ``TLSFileError`` if the certificate or the key cannot be used.
    public init(storage: any Storage, configuration: Configuration = Configuration(), logger: Logger) throws {
        self.storage = storage
        self.configuration = configuration
        self.logger = logger
        tls = try configuration.tls.map { try $0.context() }
    }

    /// Runs the server until the process receives SIGTERM or SIGINT, or the task is cancelled.
    ///
    /// After a signal the server accepts no connections, closes idle ones, and lets running requests continue for
    /// ``Configuration/shutdownTimeout``. After that, or after a second signal, it cuts them off and removes the files that
    /// they had begun to store. If the task is cancelled it does so at once.
    ///
    /// - Parameter onListening: called once the server accepts connections, with its address. If the configured port is 0,
    ///   the address has the port that the system chose.
    /// - Throws: if the server cannot listen on the address.
    public func run(onListening: @escaping @Sendable (SocketAddress) -> Void = { _ in }) async throws {
        var group = ServiceGroupConfiguration(
            services: [application(onListening: onListening)], logger: quietLogger)
        group.maximumGracefulShutdownDuration = configuration.shutdownTimeout
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
                    // The running requests were cut off, as requested.
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
            let seconds = configuration.shutdownTimeout.components.seconds
            logger.notice(
                "\(signal): stopping when \(count == 1 ? "1 request has" : "\(count) requests have") ended, after \(seconds) s at most"
            )
        }
        await services.triggerGracefulShutdown()
    }

    /// The server without signal handling: the caller runs and stops it.
    func application(
        onListening: @escaping @Sendable (SocketAddress) -> Void = { _ in }
    ) -> some ApplicationProtocol {
        let (configuration, metrics, tls, logger, budget) = (configuration, metrics, tls, logger, BufferBudget())
        let resumableStorage = configuration.resumption.count > 0 ? storage as? any ResumableStorage : nil
        let rules = Route.Rules(
            access: configuration.access, maximumBodySize: configuration.maximumBodySize,
            form: configuration.form, replacesFiles: configuration.replacesFiles, keepsPaths: storage.keepsPaths,
            keepsUnfinished: resumableStorage != nil, tusPath: configuration.tusPath,
            isLoopback: Loopback.isLoopback(configuration.host))
        let page = Page(requiresToken: configuration.access.token != nil)
        let unfinished = resumableStorage.map {
            UnfinishedUploads($0, configuration.resumption, configuration.decoding, rules)
        }
        let responder = RouteResponder(
            storage: storage, health: StorageHealth(storage), decoding: configuration.decoding, rules: rules,
            page: page,
            uploads: unfinished.map { UploadResponder(uploads: $0, page: page) },
            metrics: metrics, budget: SendBudget(),
            logger: logger)
        var application = Application(
            responder: responder,
            server: HTTPServerBuilder {
                ReceiverChannel(
                    responder: $0, configuration: configuration, rules: rules, metrics: metrics, budget: budget,
                    tls: tls, requestLogger: logger)
            },
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                // For many clients that connect at once while the machine is busy: Linux resets a connection for which
                // the queue had no room, although its client takes it for established. The kernel's own limit is the same.
                backlog: 4096,
                availableConnectionsDelegate: ConnectionLimit(configuration.connections.maximum, logger: logger)
            ),
            onServerRunning: { channel in
                try? await channel.eventLoop.submit {
                    try channel.pipeline.syncOperations.addHandler(AcceptHandler(logger: logger), position: .first)
                }.get()
                if let address = channel.localAddress { onListening(address) }
            },
            eventLoopGroupProvider: .shared(EventLoopExecutors.eventLoops),
            logger: quietLogger
        )
        if let unfinished {
            application.addServices(UnfinishedUploadsService(uploads: unfinished))
        } else {
            application.addServices(LeftoversService(storage: storage))
        }
        return application
    }

    /// Hummingbird logs its own messages at `info`.
    private var quietLogger: Logger {
        var logger = logger
        logger.logLevel = max(logger.logLevel, .notice)
        return logger
    }
}
