/// Transfers that libcurl may have forgotten; see ``Transfer/mayBeForgotten``.
extension AgentLoop {
    /// Has libcurl look at each.
    func nudgeForgotten() {
        for (easy, transfer) in forgotten {
            if transfer.isRunning, transfer.mayBeForgotten { transfer.nudge() } else { forgotten[easy] = nil }
        }
    }
}
