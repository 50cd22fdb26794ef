/// The messages from other threads to an agent; see ``Agent/post(_:takingTurn:)``.
enum Message: Sendable {
    /// Begins a request, as soon as the connection is free of the one before it.
    case start(TransferID, TransferRequest, Waiter)
    /// Parts, or the end, have been added to the form of an open request.
    case partsAdded(TransferID, Waiter)
    /// A request that had to wait for memory gets it.
    case granted(TransferID, BufferGrant)
    /// Ends a request in any state.
    case cancel(TransferID)
    /// Ends the request of a client that is running, and the one that waits behind it.
    case cancelAll(connection: UInt64)
    /// The client was paused or resumed, or its rate was changed; see ``UploadControl``.
    case controlChanged(connection: UInt64)
    /// There may be more of the request's body to read.
    case contentArrived(TransferID)
    /// The reader of the content has caught up.
    case contentConsumed(TransferID)
    /// The rest of the content will not be read.
    case contentAbandoned(TransferID)
    /// The client and all its responses are gone: closes the connection.
    case release(connection: UInt64)
}
