/// A message from any thread to an agent; see ``Agent/post(_:mayRunTurn:)``.
enum Message: Sendable {
    /// Begins a request when the client's previous one has ended.
    indirect case start(TransferID, TransferRequest, Waiter)
    /// Parts, or the end of the body, were added to an open request.
    case partsAdded(TransferID, Waiter)
    /// The memory that a request waits for was granted.
    case granted(TransferID, BufferGrant)
    /// Aborts a request in any state.
    case cancel(TransferID)
    /// Aborts a client's running request and the one that is queued.
    case cancelAll(connection: UInt64)
    /// The client was paused or resumed, or its rate limit was changed; see ``UploadControl``.
    case controlChanged(connection: UInt64)
    /// More of the request's body may be readable.
    case contentArrived(TransferID)
    /// The reader of the response has made room in the content buffer.
    case contentConsumed(TransferID)
    /// The rest of the response will not be read.
    case contentAbandoned(TransferID)
    /// Closes the connection: the client and all its responses have been released.
    case release(connection: UInt64)
}
