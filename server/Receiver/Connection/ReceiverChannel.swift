import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import NIOHTTPTypesHTTP2
import NIOSSL
import NIOTLS

/// Sets up connections, and serves them: of HTTP/1.x, and, by TLS, of HTTP/2.
///
/// Hummingbird's `HTTP1Channel` and `HTTP2UpgradeChannel`, with control of how much is read at once, of
/// what happens before and after a route runs, and of how a connection ends.
struct ReceiverChannel: HTTPChannelHandler {
    let responder: Responder
    let configuration: Receiver.Configuration
    let rules: Route.Rules
    let metrics: ServerMetrics
    /// Of connections.
    let share: BufferShare
    /// Nil for HTTP in the clear.
    let tls: NIOSSLContext?
    /// Takes a line for what is no request; Hummingbird's own doings go to another one.
    let requestLogger: Logger
    let executors = EventLoopExecutors()

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<ReceiverConnection> {
        channel.eventLoop.makeCompletedFuture {
            let body = BodyFlag()
            try setReads(of: channel, body)
            let version =
                if let tls { try negotiate(channel, tls, body) } else {
                    channel.eventLoop.makeSucceededFuture(
                        ReceiverConnection.Version.http1(try setupHTTP1(channel, body)))
                }
            return ReceiverConnection(channel: channel, version: version)
        }
    }

    func handle(value: ReceiverConnection, logger: Logger) async {
        let channel = value.channel
        await withTaskCancellationHandler {
            await withTaskExecutorPreference(executors.executor(of: channel.eventLoop)) {
                switch try? await value.version.get() {
                case .http1(let exchanges):
                    guard let parts = exchanges.take() else { return }
                    await handleHTTP(asyncChannel: parts, logger: logger)
                case .http2(let streams):
                    await handle(streams, logger)
                case nil:
                    // Nobody is there any more, or nobody who speaks TLS.
                    channel.close(promise: nil)
                }
            }
        } onCancel: {
            // What can still be said is said in that time.
            channel.eventLoop.scheduleTask(in: .seconds(1)) {
                channel.triggerUserOutboundEvent(AbortEvent(), promise: nil)
                channel.close(promise: nil)
            }
        }
    }

    /// What bounds the memory of a connection: one read's bytes come at a time, and the next read
    /// waits while two parts of a request have not been taken.
    private func setReads(of channel: any Channel, _ body: BodyFlag) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(
            .recvAllocator,
            value: SharedReadAllocator(share: share, body: body, largest: configuration.largestRead)
        )
    }

    private func setupHTTP1(_ channel: any Channel, _ body: BodyFlag) throws -> Exchanges {
        let pipeline = channel.pipeline.syncOperations
        let traffic = TrafficHandler(metrics: metrics, share: share)
        try pipeline.addHandlers([DeferredFlushHandler(), traffic])
        // Pipelining is NIOAsyncChannel's: one request is taken from it at a time. Errors are
        // answered by HTTP1ConnectionHandler and by the routes.
        var encoding = HTTPResponseEncoder.Configuration()
        // It does not know which requests are HEAD, and would frame, and end, a body that is none.
        encoding.automaticallySetFramingHeaders = false
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: false,
            withErrorHandling: false,
            withOutboundHeaderValidation: false,
            withEncoderConfiguration: encoding
        )
        try pipeline.addHandlers([
            HTTP1ConnectionHandler(
                limits: configuration.connections, traffic: traffic, metrics: metrics, logger: requestLogger, body: body
            ),
            HTTP1ToHTTPServerCodec(secure: tls != nil),
        ])
        return try exchanges(on: channel, waitingParts: 2, halfCloses: true)
    }

    /// - Parameter waitingParts: how many parts of a request may have come that have not been taken.
    private func exchanges(on channel: any Channel, waitingParts: Int, halfCloses: Bool) throws -> Exchanges {
        try channel.pipeline.syncOperations.addHandlers([
            ExpectContinueHandler { [rules] in (try? Route(judging: $0, rules))?.takesBody ?? false },
            RequestBodyHandler(limit: configuration.connections.stall),
        ])
        return Exchanges(
            try NIOAsyncChannel(
                wrappingChannelSynchronously: channel,
                configuration: .init(
                    backPressureStrategy: .init(lowWatermark: waitingParts / 2, highWatermark: waitingParts),
                    isOutboundHalfClosureEnabled: halfCloses
                )
            )
        )
    }
}

extension ReceiverChannel {
    /// Of a stream's content, how much may come before it is taken. A frame is 16 KiB mostly.
    private static let streamWindow = 256 * 1024
    private static let connectionWindow = 2 * 1024 * 1024
    private static let negotiationName = "NegotiationHandler"

    private func negotiate(
        _ channel: any Channel, _ tls: NIOSSLContext, _ body: BodyFlag
    ) throws -> EventLoopFuture<ReceiverConnection.Version> {
        let limit = NegotiationHandler(limit: configuration.connections.idle)
        let pipeline = channel.pipeline.syncOperations
        let negotiation = NIOTypedApplicationProtocolNegotiationHandler<ReceiverConnection.Version> { result in
            channel.eventLoop.makeCompletedFuture {
                channel.pipeline.syncOperations.removeHandler(name: Self.negotiationName, promise: nil)
                return switch result {
                case .negotiated("h2"): .http2(try setupHTTP2(channel))
                case .negotiated, .fallback: .http1(try setupHTTP1(channel, body))
                }
            }
        }
        try pipeline.addHandler(NIOSSLServerHandler(context: tls))
        try pipeline.addHandler(limit, name: Self.negotiationName)
        try pipeline.addHandler(negotiation)
        return negotiation.protocolNegotiationResult
    }

    /// Reads stay as short as those of heads: a frame that is not taken keeps all of the read that it came with.
    private func setupHTTP2(_ channel: any Channel) throws -> ReceiverConnection.Streams {
        var http2 = NIOHTTP2Handler.Configuration()
        http2.connection.targetWindowSize = Self.connectionWindow
        http2.stream.targetWindowSize = Self.streamWindow
        http2.connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 100),
            // What SwiftNIO's decoder of HTTP/1 takes.
            HTTP2Setting(parameter: .maxHeaderListSize, value: 80 * 1024),
        ]
        let management = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: .init(
                maxIdleTime: configuration.connections.idle.map { TimeAmount($0) }, maxAge: nil,
                maxGraceTime: TimeAmount(configuration.gracePeriod), keepalive: nil))
        let pipeline = channel.pipeline.syncOperations
        let connection = HTTP2ConnectionHandler(patience: configuration.connections.lingering.duration)
        let pending = NIOLoopBound(HTTP2PendingFrames(), eventLoop: channel.eventLoop)
        try pipeline.addHandlers([
            DeferredFlushHandler(), TrafficHandler(metrics: metrics, share: share),
            HTTP2FrameHandler(pending.value, connection),
        ])
        let streams: ReceiverConnection.Streams = try pipeline.configureAsyncHTTP2Pipeline(
            mode: .server, streamDelegate: management.http2StreamDelegate, frameDelegate: connection,
            configuration: http2
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandlers([
                    HTTP2FramePayloadToHTTPServerCodec(),
                    HTTP2StreamHandler(limits: configuration.connections, share: share, pending: pending.value),
                ])
                return try exchanges(on: stream, waitingParts: 16, halfCloses: false)
            }
        }
        try pipeline.addHandlers([connection, management])
        connection.begin()
        return streams
    }

    private func handle(_ streams: ReceiverConnection.Streams, _ logger: Logger) async {
        await withDiscardingTaskGroup { group in
            do {
                for try await stream in streams.inbound {
                    guard let parts = stream.take() else { continue }
                    group.addTask { await handleHTTP(asyncChannel: parts, logger: logger) }
                }
            } catch {
                // The connection is lost; so are its streams, which hear of it themselves.
            }
        }
    }
}
