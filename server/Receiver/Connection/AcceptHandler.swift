import Logging
import NIOCore
import Platform

/// Stops accepting connections for a moment when the system has no descriptor or memory for one more.
///
/// SwiftNIO delays the next accept(2) too, but goes on waiting for the listening socket, which stays readable: the event
/// loop would use a whole core. It stands first in the pipeline of the listening socket.
final class AcceptHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = Channel

    private static let pause = TimeAmount.milliseconds(250)
    /// A failure within this time after another one is not logged.
    private static let quietTime = TimeAmount.seconds(10)

    private let logger: Logger
    private var lastFailure: NIODeadline?
    private var isPaused = false

    init(logger: Logger) {
        self.logger = logger
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
            return context.fireErrorCaught(error)
        }
        let now = context.eventLoop.now
        if lastFailure.map({ $0 + Self.quietTime < now }) ?? true {
            logger.error("cannot accept more connections: \(SystemError(code: error.errnoCode))")
        }
        lastFailure = now
        guard !isPaused else { return }
        isPaused = true
        setReading(false, context)
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.pause) { [self] in
            isPaused = false
            setReading(true, context)
        }
    }

    /// Without effect on a socket that is closed.
    private func setReading(_ isReading: Bool, _ context: ChannelHandlerContext) {
        try? context.channel.syncOptions?.setOption(.autoRead, value: isReading)
    }
}
