/// Questions about the states.
extension Transfer.StateMachine {
    var isUploadPaused: Bool {
        switch upload {
        case .held, .throttled, .waiting, .starved, .yielding: true
        case .flowing, .complete, .stopped: false
        }
    }

    /// Whether received content is passed to the reader.
    var takesContent: Bool { download == .receiving || download == .blocked }

    var isDownloadPaused: Bool { download == .blocked }

    /// Whether the transfer waits for the network or the server, rather than for the client. Only such time counts for the
    /// time limits.
    var waitsForPeer: Bool {
        switch upload {
        case .held, .throttled, .waiting, .starved: false
        // While the client is paused, libcurl may still send bytes that it has, but the client does not expect that.
        case .flowing, .yielding: !isHeld && download != .blocked
        case .complete, .stopped: download != .blocked
        }
    }

    /// What the transfer has reached.
    ///
    /// - Parameter isFinished: whether no more parts will be added.
    func milestone(isFinished: Bool) -> Milestone {
        switch (upload, download) {
        case (.starved, _): .partsSent
        case (.stopped, _) where isRefused: .answeredEarly
        case (.complete, .receiving), (.complete, .blocked), (.complete, .discarding), (.complete, .complete):
            .responded
        // The server may stop reading the request until its response is read.
        case (.flowing, .blocked) where isFinished, (.held, .blocked) where isFinished,
            (.throttled, .blocked) where isFinished, (.waiting, .blocked) where isFinished,
            (.yielding, .blocked) where isFinished:
            .responded
        case (.complete, .awaitingHead), (.flowing, _), (.held, _), (.throttled, _), (.waiting, _), (.yielding, _),
            (.stopped, _):
            .none
        }
    }
}
