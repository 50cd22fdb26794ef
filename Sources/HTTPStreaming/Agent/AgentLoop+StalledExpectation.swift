/// See Transfer/Workarounds/Curl8.6+StalledExpectation.swift.
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
