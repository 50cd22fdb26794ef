/// What the states of a transfer mean for those who are outside.
extension Transfer.StateMachine {

    var isUploadPaused: Bool {
        switch upload {
        case .held, .throttled, .waiting, .starved, .yielding: true
        case .flowing, .complete, .stopped: false
        }
    }

    /// Whether somebody may still want content.
    var takesContent: Bool { download == .receiving || download == .blocked }

    var isDownloadPaused: Bool { download == .blocked }

    /// Whether it is for the network or the server to go on, rather than for this side.
    var waitsForPeer: Bool {
        switch upload {
        case .held, .throttled, .waiting, .starved: false
        // What libcurl still has is sent, but nobody promises when.
        case .flowing, .yielding: !isHeld && download != .blocked
        case .complete, .stopped: download != .blocked
        }
    }

    /// What the caller that gave the parts can be told.
    ///
    /// - Parameter isFinished: whether no parts are added any more.
    func news(isFinished: Bool) -> News {
        switch (upload, download) {
        case (.starved, _): .partsSent
        case (.stopped, _) where isRefused: .answeredEarly
        case (.complete, .receiving), (.complete, .blocked), (.complete, .discarding), (.complete, .complete):
            .responded
        // The server may not read on before its content is read.
        case (.flowing, .blocked) where isFinished, (.held, .blocked) where isFinished,
            (.throttled, .blocked) where isFinished, (.waiting, .blocked) where isFinished,
            (.yielding, .blocked) where isFinished:
            .responded
        case (.complete, .awaitingHead), (.flowing, _), (.held, _), (.throttled, _), (.waiting, _), (.yielding, _),
            (.stopped, _):
            .nothing
        }
    }
}
