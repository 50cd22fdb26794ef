import HummingbirdCore
import NIOCore
import NIOHTTPTypes

/// A connection that has been accepted, and may never be served: a server that stops drops what
/// it has not begun with.
///
/// Only when it is served is it wrapped in a `NIOAsyncChannel`, which must not be dropped: that
/// ends the process (https://github.com/apple/swift-nio/issues/2813).
final class ReceiverConnection: ServerChildChannelValue {
    let channel: any Channel

    /// - Parameter channel: must not read by itself yet.
    init(_ channel: any Channel) {
        self.channel = channel
    }

    deinit { channel.close(promise: nil) }

    /// Begins to read. To be called once; its result has to be used.
    ///
    /// - Throws: where the connection is closed already.
    func open() async throws -> NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart> {
        try await channel.eventLoop.submit { [channel] in
            guard channel.isActive else { throw ChannelError.ioOnClosedChannel }
            let opened = try NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(
                wrappingChannelSynchronously: channel,
                configuration: .init(
                    backPressureStrategy: .init(lowWatermark: 1, highWatermark: 2),
                    isOutboundHalfClosureEnabled: true
                )
            )
            try channel.syncOptions?.setOption(.autoRead, value: true)
            return opened
        }.get()
    }
}
