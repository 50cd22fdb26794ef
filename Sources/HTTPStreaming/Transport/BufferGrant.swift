/// Memory that one transfer may take for its buffers, until the last reference goes.
final class BufferGrant: Sendable {
    let bytes: Int
    private let budget: BufferBudget

    /// Only a budget makes one, which has counted it.
    init(_ bytes: Int, of budget: BufferBudget) {
        self.bytes = bytes
        self.budget = budget
    }

    deinit { budget.giveBack(bytes) }
}
