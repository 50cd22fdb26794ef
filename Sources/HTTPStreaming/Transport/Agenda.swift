/// The transfers that something has happened to, in libcurl's turn or by a message: what follows from it, for
/// those who wait for them too, is done behind that. Often that is more than one thing, and whoever
/// waits is woken once: to the head of a response, its content and its end. Agent's turns only.
final class Agenda {
    private var transfers: [Transfer] = []

    func add(_ transfer: Transfer) {
        guard !transfer.isOnAgenda else { return }
        transfer.isOnAgenda = true
        transfers.append(transfer)
    }

    /// All since the last call.
    func take() -> [Transfer] {
        defer { transfers = [] }
        return transfers
    }
}
