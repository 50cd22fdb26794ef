/// The transfers that something has happened to in libcurl's turn or by a message. Their callers are resumed
/// afterwards: often more than one thing happens, and the head of a short response, its content and its end then wake
/// its reader once. Agent's turns only.
final class PendingTransfers {
    private var transfers: [Transfer] = []

    func add(_ transfer: Transfer) {
        guard !transfer.watching.isPending else { return }
        transfer.watching.isPending = true
        transfers.append(transfer)
    }

    /// All since the last call.
    func take() -> [Transfer] {
        defer { transfers = [] }
        return transfers
    }
}
