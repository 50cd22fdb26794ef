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
import Platform

/// Sets up and serves connections of HTTP/1.x and, over TLS, of HTTP/2.
///
/// Replaces Hummingbird's `HTTP1Channel` and `HTTP2UpgradeChannel` to control how much is read at once, what happens
/// before and after a route runs, and how a connection ends.
struct ReceiverChannel: HTTPChannelHandler {
    let responder: Responder
    let configuration: Receiver.Configuration
    let rules: Route.Rules
    let metrics: ServerMetrics
    /// Of all connections and streams.
    let budget: BufferBudget
    /// Nil without TLS.
    let tls: NIOSSLContext?
    /// Logs input that is not a request. Hummingbird logs to another logger.
    let requestLogger: Logger

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
            await withTaskExecutorPreference(EventLoopExecutors.shared.executor(of: channel.eventLoop)) {
                switch try? await value.version.get() {
                case .http1(let requests):
                    guard let parts = requests.take() else { return }
                    await handleHTTP(asyncChannel: parts, logger: logger)
                case .http2(let streams):
                    await handle(streams, logger)
                case nil:
                    // The connection is lost, or the TLS handshake has failed.
                    channel.close(promise: nil)
                }
            }
        } onCancel: {
            // Leaves one second for the last responses.
            channel.eventLoop.scheduleTask(in: .seconds(1)) {
                channel.triggerUserOutboundEvent(AbortEvent(), promise: nil)
                channel.close(promise: nil)
            }
        }
    }

    /// How many bytes the kernel takes for a connection before they can be sent.
    private static let unsentLimit = 128 * 1024

    /// Bounds the memory of a connection: the bytes of one read are delivered at a time, and the next read waits while
    /// two parts of a request are undelivered.
    private func setReads(of channel: any Channel, _ body: BodyFlag) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(
            .recvAllocator,
            value: SharedReadAllocator(budget: budget, body: body, maximum: configuration.maximumReadSize)
        )
        // tcp(7): otherwise the kernel takes up to 4 MiB for a client that does not read.
        try options.setOption(ChannelOptions.tcpOption(.init(rawValue: TCP_NOTSENT_LOWAT)), value: Self.unsentLimit)
    }

    private func setupHTTP1(_ channel: any Channel, _ body: BodyFlag) throws -> RequestChannel {
        let pipeline = channel.pipeline.syncOperations
        let traffic = TrafficHandler(metrics: metrics, budget: budget)
        try pipeline.addHandlers([DeferredFlushHandler(), traffic])
        // NIOAsyncChannel does the pipelining: requests are taken from it one at a time. HTTP1ConnectionHandler and the
        // routes answer errors.
        var encoding = HTTPResponseEncoder.Configuration()
        // The encoder does not know which requests are HEAD, and would frame the missing body.
        encoding.automaticallySetFramingHeaders = false
        // SwiftNIO's own limits are 2 MiB and 256 fields.
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderListSize = Self.headerSize
        limits.maxHeaderFieldCount = Self.headerFields
        try pipeline.configureHTTPServerPipeline(
            withPipeliningAssistance: false,
            withErrorHandling: false,
            withOutboundHeaderValidation: false,
            withEncoderConfiguration: encoding,
            withDecoderLimitConfiguration: limits
        )
        try pipeline.addHandlers([
            HTTP1ConnectionHandler(
                limits: configuration.connections, traffic: traffic, metrics: metrics, logger: requestLogger, body: body
            ),
            HTTP1ToHTTPServerCodec(secure: tls != nil),
        ])
        return try requestChannel(on: channel, bufferedParts: 2, halfCloses: true)
    }

    /// - Parameter bufferedParts: how many parts of a request may wait for the route.
    private func requestChannel(
        on channel: any Channel, bufferedParts: Int, halfCloses: Bool
    ) throws -> RequestChannel {
        try channel.pipeline.syncOperations.addHandlers([
            ExpectContinueHandler { [rules] in (try? Route(judging: $0, rules))?.readsBody ?? false },
            RequestBodyHandler(limit: configuration.connections.stall),
        ])
        return RequestChannel(
            try NIOAsyncChannel(
                wrappingChannelSynchronously: channel,
                configuration: .init(
                    backPressureStrategy: .init(lowWatermark: bufferedParts / 2, highWatermark: bufferedParts),
                    isOutboundHalfClosureEnabled: halfCloses
                )
            )
        )
    }
}

extension ReceiverChannel {
    /// How many bytes of a stream may arrive before the route reads them. Most frames are 16 KiB.
    private static let streamWindow = 256 * 1024
    private static let connectionWindow = 2 * 1024 * 1024
    /// Of the header of a request: the lengths of all names and values, and the number of fields.
    private static let headerSize = 80 * 1024
    private static let headerFields = 1000
    private static let handshakeName = "TLSHandshakeHandler"

    private func negotiate(
        _ channel: any Channel, _ tls: NIOSSLContext, _ body: BodyFlag
    ) throws -> EventLoopFuture<ReceiverConnection.Version> {
        let pipeline = channel.pipeline.syncOperations
        let negotiation = NIOTypedApplicationProtocolNegotiationHandler<ReceiverConnection.Version> { result in
            channel.eventLoop.makeCompletedFuture {
                channel.pipeline.syncOperations.removeHandler(name: Self.handshakeName, promise: nil)
                return switch result {
                case .negotiated("h2"): .http2(try setupHTTP2(channel))
                case .negotiated, .fallback: .http1(try setupHTTP1(channel, body))
                }
            }
        }
        try pipeline.addHandler(NIOSSLServerHandler(context: tls))
        try pipeline.addHandler(TLSHandshakeHandler(limit: configuration.connections.idle), name: Self.handshakeName)
        try pipeline.addHandler(negotiation)
        return negotiation.protocolNegotiationResult
    }

    /// Reads stay as short as those of heads: an unread frame keeps the whole read that it arrived with.
    private func setupHTTP2(_ channel: any Channel) throws -> ReceiverConnection.Streams {
        var http2 = NIOHTTP2Handler.Configuration()
        http2.connection.targetWindowSize = Self.connectionWindow
        http2.stream.targetWindowSize = Self.streamWindow
        http2.connection.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: 100),
            HTTP2Setting(parameter: .maxHeaderListSize, value: Self.headerSize),
        ]
        let management = NIOHTTP2ServerConnectionManagementHandler(
            eventLoop: channel.eventLoop,
            configuration: .init(
                maxIdleTime: configuration.connections.idle.map { TimeAmount($0) }, maxAge: nil,
                maxGraceTime: TimeAmount(configuration.shutdownTimeout), keepalive: nil))
        let pipeline = channel.pipeline.syncOperations
        let connection = HTTP2ConnectionHandler(pingTimeout: configuration.connections.lingering.duration)
        let pending = NIOLoopBound(HTTP2PendingFrames(), eventLoop: channel.eventLoop)
        try pipeline.addHandlers([
            DeferredFlushHandler(), TrafficHandler(metrics: metrics, budget: budget),
            HTTP2FrameHandler(pending.value, connection),
        ])
        let streams: ReceiverConnection.Streams = try pipeline.configureAsyncHTTP2Pipeline(
            mode: .server, streamDelegate: management.http2StreamDelegate, frameDelegate: connection,
            configuration: http2
        ) { stream in
            stream.eventLoop.makeCompletedFuture {
                try stream.pipeline.syncOperations.addHandlers([
                    HTTP2FramePayloadToHTTPServerCodec(),
                    HTTP2StreamHandler(limits: configuration.connections, budget: budget, pending: pending.value),
                ])
                return try requestChannel(on: stream, bufferedParts: 16, halfCloses: false)
            }
        }
        try pipeline.addHandlers([connection, management])
        connection.activate()
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
                // The connection is lost. Its streams get that error too.
            }
        }
    }
}
