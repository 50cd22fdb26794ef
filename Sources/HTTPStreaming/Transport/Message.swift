/// What an agent is told by other threads; see ``Agent/post(_:)``.
enum Message: Sendable {
    /// Begins a request, as soon as the connection is free of the one before it.
    case start(TransferID, TransferRequest, Waiter)
    /// Adds parts to an open request; the last ones, if `isLast`.
    case append(TransferID, [PreparedPart], isLast: Bool, Waiter?)
    /// A request that had to wait for memory gets it.
    case granted(TransferID, BufferGrant)
    /// Ends a request, wherever it is.
    case cancel(TransferID)
    /// Ends whatever request a client has, and the one that waits behind it.
    case cancelAll(connection: UInt64)
    /// The client was paused or goes on, or may send at another rate; see ``UploadControl``.
    case controlChanged(connection: UInt64)
    /// There may be more of the request's body to read.
    case contentArrived(TransferID)
    /// The reader of the content has caught up.
    case contentConsumed(TransferID)
    /// Nobody will read the content, or what is left of it.
    case contentAbandoned(TransferID)
    /// The client is gone, and all who read its responses: closes the connection.
    case release(connection: UInt64)
}
