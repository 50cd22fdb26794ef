/// All that a transfer needs to know of its request at its start.
struct TransferRequest: Sendable {
    let method: Client.Method
    let url: String
    let configuration: Client.Configuration
    let parts: [Part]
    /// Whether `parts` are all.
    let isFinishing: Bool
    let counter: ProgressCounter
    /// Of the call that begins the request, for what is done on its behalf.
    let priority: TaskPriority

    var hasBody: Bool { method.impliesBody || !parts.isEmpty || !isFinishing }
}
