/// One request of one client. Messages about an older request than the current one say nothing.
struct TransferID: Hashable, Sendable {
    /// The client's connection; see ``ConnectionHandle``.
    let connection: UInt64
    let serial: UInt64
}
