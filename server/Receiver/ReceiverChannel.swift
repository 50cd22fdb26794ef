import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1

/// One HTTP/1.1 connection: Hummingbird's `HTTP1Channel`, with control of how much is read at once
/// and of what happens before and after a route runs.
struct ReceiverChannel: HTTPChannelHandler {
    let responder: Responder
    let configuration: Receiver.Configuration

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<ReceiverConnection> {
        channel.eventLoop.makeCompletedFuture {
            try setReads(of: channel)
            let pipeline = channel.pipeline.syncOperations
            // Pipelining is NIOAsyncChannel's: one request is taken from it at a time. Errors are
            // answered by LingeringCloseHandler and by the routes.
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
                HTTP10Handler(),
                HTTP1ToHTTPServerCodec(secure: false),
                LingeringCloseHandler(limits: configuration.lingering),
                ExpectContinueHandler { (try? Route(judging: $0))?.takesBody ?? false },
                HTTPConnectionStateHandler(logger: logger),
            ])
            return ReceiverConnection(
                try NIOAsyncChannel(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(
                        backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2),
                        isOutboundHalfClosureEnabled: true
                    )
                )
            )
        }
    }

    func handle(value: ReceiverConnection, logger: Logger) async {
        guard let connection = value.take() else { return }
        await withTaskExecutorPreference(EventLoopExecutor(connection.channel.eventLoop)) {
            await handleHTTP(asyncChannel: connection, logger: logger)
        }
    }

    /// What bounds the memory of a connection: one read's bytes come at a time, and the next read
    /// waits while two parts of a request have not been taken.
    private func setReads(of channel: any Channel) throws {
        guard let options = channel.syncOptions else { return }
        try options.setOption(.maxMessagesPerRead, value: 1)
        try options.setOption(
            .recvAllocator,
            value: AdaptiveRecvByteBufferAllocator(
                minimum: 4096, initial: 64 * 1024, maximum: configuration.largestRead
            )
        )
    }
}
