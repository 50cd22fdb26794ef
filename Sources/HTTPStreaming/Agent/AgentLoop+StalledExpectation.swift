/// See Transfer/Workarounds/Curl7.88+StalledExpectation.swift.
extension AgentLoop {
    func wakeStalledExpectations() {
        for (easy, transfer) in stalledExpectations {
            if transfer.isRunning, transfer.isExpectationStalled {
                transfer.wakeStalledExpectation()
            } else {
                stalledExpectations[easy] = nil
            }
        }
    }
}
