/// What a transfer would take for its buffers.
struct BufferDemand: Equatable, Sendable {
    /// With less it does not begin.
    var least: Int
    /// More is of no use to it.
    var most: Int

    static let none = BufferDemand(least: 0, most: 0)

    static func + (first: BufferDemand, second: BufferDemand) -> BufferDemand {
        BufferDemand(least: first.least + second.least, most: first.most + second.most)
    }
}
