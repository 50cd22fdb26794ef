import HummingbirdCore
import NIOCore
import NIOHTTPTypes
import Synchronization

/// A connection that has been accepted, and may never be served: a server that stops drops what
/// it has not begun with.
///
/// A `NIOAsyncChannel` that is just dropped ends the process
/// (https://github.com/apple/swift-nio/issues/2813): what is not served is closed here.
final class ReceiverConnection: ServerChildChannelValue {
    typealias Connection = NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>

    let channel: any Channel
    /// Nil once it is being served.
    private let waiting: Mutex<Connection?>

    init(_ connection: Connection) {
        channel = connection.channel
        waiting = Mutex(connection)
    }

    deinit {
        guard let connection = take() else { return }
        Task { try? await connection.executeThenClose { _, _ in } }
    }

    /// The connection, for the one caller who serves it and closes it.
    func take() -> Connection? { waiting.withLock { $0.take() } }
}
