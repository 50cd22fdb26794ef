import Synchronization

/// Bounds the memory of everything that waits to be sent: pieces of files, pages of the list of files, and the states of
/// encoders.
///
/// Nobody waits for memory: clients that do not read would keep it from all others. Instead, a share is at most an eighth
/// of what is free, or its minimum. So all shares together take 64 MiB at most, and one minimum more for each of them.
final class SendBudget: Sendable {
    /// In bytes.
    static let total = 64 * 1024 * 1024

    private let free = Mutex(total)

    /// A part of the budget. Its last reference returns it.
    final class Share: Sendable {
        let bytes: Int
        private let budget: SendBudget

        fileprivate init(_ bytes: Int, of budget: SendBudget) {
            (self.bytes, self.budget) = (bytes, budget)
        }

        deinit { budget.free.withLock { $0 += bytes } }
    }

    /// Takes as many bytes as can be spared.
    func share(upTo wanted: Int, atLeast minimum: Int) -> Share {
        let bytes = free.withLock { free in
            let bytes = max(minimum, min(wanted, free / 8))
            free -= bytes
            return bytes
        }
        return Share(bytes, of: self)
    }

    /// Takes exactly `bytes` bytes for something that can be done without.
    ///
    /// - Returns: nil if less than half of the budget would remain for others.
    func share(of bytes: Int) -> Share? {
        let isAffordable = free.withLock { free in
            guard free - bytes >= Self.total / 2 else { return false }
            free -= bytes
            return true
        }
        return isAffordable ? Share(bytes, of: self) : nil
    }
}
