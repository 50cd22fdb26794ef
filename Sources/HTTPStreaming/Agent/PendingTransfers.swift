/// The transfers that were changed by callbacks or messages. Their callers are resumed after libcurl has returned, so that
/// the head of a short response, its content and its end wake the reader once. Used by the agent only.
final class PendingTransfers {
    private var transfers: [Transfer] = []

    func add(_ transfer: Transfer) {
        guard !transfer.watching.isPending else { return }
        transfer.watching.isPending = true
        transfers.append(transfer)
    }

    /// Returns and removes all transfers.
    func take() -> [Transfer] {
        defer { transfers = [] }
        return transfers
    }
}
