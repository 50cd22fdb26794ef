/// For whom a body is read.
struct BodyContext: Sendable {
    /// That of whoever waits for it: a lower one would make him wait for less urgent work, on fewer or
    /// slower cores, and have threads of its own.
    let priority: TaskPriority
    /// Called on any thread when there may be more to read.
    let onContent: @Sendable () -> Void
    /// How many blocks may be encoded at a time, by what the transfer has been granted of memory; nil
    /// where nothing limits it.
    var workerLimit: Int?
}
