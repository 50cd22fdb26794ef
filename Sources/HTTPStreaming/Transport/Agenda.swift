/// The transfers that something has happened to while libcurl had its turn: what follows from it, for
/// those who wait for them too, is done when libcurl returns. Often that is more than one thing, and whoever
/// waits is woken once: to the head of a response, its content and its end. Agent's thread only.
final class Agenda {
    private var transfers: [Transfer] = []

    func add(_ transfer: Transfer) {
        // Most often it is there already, as the last one.
        if transfers.last !== transfer { transfers.append(transfer) }
    }

    /// All since the last call; a transfer may be there more than once.
    func take() -> [Transfer] {
        defer { transfers.removeAll(keepingCapacity: transfers.count < 64) }
        return transfers
    }
}
